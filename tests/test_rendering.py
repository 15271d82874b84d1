"""Compiled templates are kept once, whatever clone they are of."""

import pytest

from managed_server.rendering import RenderError, render


@pytest.fixture
def clones(tmp_path, monkeypatch):
    """Templates of two clones, and the folder in which they are kept compiled."""
    monkeypatch.setenv("MANAGED_SERVER_CACHE", str(tmp_path / "cache"))
    made = []
    for name in ("one", "other"):
        folder = tmp_path / name / "templates"
        folder.mkdir(parents=True)
        (folder / "good.j2").write_text("port {{ port }}\n")
        (folder / "bad.j2").write_text("first\n{{ port.number.of }}\n")
        made.append(folder)
    return *made, tmp_path / "cache" / "jinja"


def test_the_second_clone_compiles_nothing(clones):
    one, other, kept = clones
    assert render(one, "good.j2", port=1) == b"port 1\n"
    (file,) = kept.iterdir()
    before = [(file.stat().st_ino, file.stat().st_mtime_ns)]
    assert render(other, "good.j2", port=2) == b"port 2\n"
    assert [(it.stat().st_ino, it.stat().st_mtime_ns) for it in kept.iterdir()] == before


def test_a_changed_template_takes_the_place_of_the_one_before(clones):
    one, other, kept = clones
    assert render(one, "good.j2", port=1) == b"port 1\n"
    (other / "good.j2").write_text("the port {{ port }}\n")
    assert render(other, "good.j2", port=2) == b"the port 2\n"
    assert len(list(kept.iterdir())) == 1


def test_an_error_names_the_file_of_its_own_clone(clones):
    one, other, _ = clones
    for folder in (one, other):
        with pytest.raises(RenderError) as caught:
            render(folder, "bad.j2", port=1)
        assert (caught.value.problem.file, caught.value.problem.line) == ("templates/bad.j2", 2)
