"""What bundles are made of is read anew each time, or once for a run over many stacks."""

from managed_server.reading import Reader
from managed_server.rendering import render


def test_each_time_or_once(tmp_path):
    reader, path = Reader(), tmp_path / "tree" / "file"
    path.parent.mkdir()

    def seen() -> set[bytes]:
        return {reader.file(path), *reader.tree(path.parent, frozenset({".md"})).values()}

    def write(content: bytes) -> None:
        path.write_bytes(content)
        path.with_name("read.md").write_bytes(content)

    write(b"1")
    assert seen() == {b"1"}
    write(b"2")
    with reader.once():
        assert seen() == {b"2"}
        write(b"3")
        assert seen() == {b"2"}
    assert seen() == {b"3"}


def test_a_template_that_changes_is_rendered_as_it_is(tmp_path):
    (tmp_path / "a.j2").write_text("one")
    assert render(tmp_path, "a.j2") == b"one"
    (tmp_path / "a.j2").write_text("another")
    assert render(tmp_path, "a.j2") == b"another"
