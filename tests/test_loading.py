"""The YAML reader: lines, unique keys, no guesses, every error at once."""

import datetime

import pytest

from managed_server.loading import read_yaml, validate
from managed_server.model.base import Int, Model
from managed_server.problems import InputError


def read(tmp_path, text):
    path = tmp_path / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path, tmp_path)


def said(document):
    return [str(problem) for problem in document.problems]


def test_data_and_lines(tmp_path):
    document = read(tmp_path, "a:\n  - x: 1\n    y: 2026-12-01\n  - true\nb: 'no'\nc: 1.5\nd:\n")
    assert document.problems == []
    assert document.data == {
        "a": [{"x": 1, "y": datetime.date(2026, 12, 1)}, True],
        "b": "no",
        "c": 1.5,
        "d": None,
    }
    assert document.line(("a", 0, "y")) == 3
    assert document.line(("a", 1)) == 4
    assert document.line(("b", "deeper", 3)) == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "file.yaml:3: a: duplicate key, first on line 1; keep one of the two"),
        ("a:\n  x: 1\n  x: 1\n", "file.yaml:3: a.x: duplicate key, first on line 2; keep one of the two"),
        ("a: 13:00\n", 'file.yaml:1: a: 13:00 is read as a number or a date; put it in quotes: "13:00"'),
        ("a: 012\n", 'file.yaml:1: a: 012 is read as a number or a date; put it in quotes: "012"'),
        ("a: no\n", "file.yaml:1: a: 'no' is read as a switch; write true or false, or put it in quotes"),
        ("a: 2026-13-40\n", "file.yaml:1: a: 2026-13-40 is not a date: month must be in 1..12"),
        ("a: !!python/object:os.system x\n", "is not supported; write the value plainly"),
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            "file.yaml:3: c: merge keys (<<) are not supported; write the keys out",
        ),
        ("a: [1\n", "file.yaml:2: YAML syntax: "),
        ("a: b: c\n", "file.yaml:1: YAML syntax: mapping values are not allowed"),
        ("\ta: 1\n", "file.yaml:1: YAML syntax: "),
        ("", "file.yaml:1: is empty"),
        ("# only\n", "file.yaml:1: is empty"),
        ("---\n", "file.yaml:1: is empty"),
        ("---\n# nothing\n", "file.yaml:1: is empty"),
        ("~\n", "file.yaml:1: is empty"),
        ("# a\n---\nnull\n", "file.yaml:1: is empty"),
        ("!!null ''\n", "file.yaml:1: is empty"),
        (b"a: 1\nb: \xff\n", "file.yaml:2: is not UTF-8 text; save it as UTF-8"),
        ("? [a]\n: 1\n", "file.yaml:1: a key must be plain text"),
    ],
)
def test_syntax_problems(tmp_path, text, message):
    assert any(message in line for line in said(read(tmp_path, text))), said(read(tmp_path, text))


def test_an_error_says_something():
    with pytest.raises(ValueError, match="without a problem"):
        InputError([])


def test_multiplying_aliases_end(tmp_path):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    assert any("more than 200000 values" in line for line in said(read(tmp_path, bomb)))


def test_missing_file(tmp_path):
    assert said(read_yaml(tmp_path / "gone.yaml", tmp_path)) == [
        "gone.yaml: can't be read: No such file or directory"
    ]


class Inner(Model):
    size: Int
    name: str


class Outer(Model):
    inner: tuple[Inner, ...]
    by_name: dict[str, Inner] | None = None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inner: [{size: 1, nmae: x}]", "file.yaml:1: inner[0].nmae: unknown key; did you mean name?"),
        ("inner: [{size: 1}]", "file.yaml:1: inner[0]: the key 'name' is missing; add it"),
        ("inner: 3", "file.yaml:1: inner: must be a list; start each item with '- '"),
        ("inner: [3]", "file.yaml:1: inner[0]: must be a group of keys"),
        ("inner:\n- size: '1'\n  name: x", "file.yaml:2: inner[0].size: input should be a valid integer"),
        ("inner:\n- size: 1\n  name: 2", "file.yaml:3: inner[0].name: must be text; put it in quotes"),
        (
            "inner: []\nby_name:\n  a: {size: 1, name: x, z: 1}",
            "file.yaml:3: by_name.a.z: unknown key; known: name, size",
        ),
    ],
)
def test_model_problems(tmp_path, text, message):
    document = read(tmp_path, text)
    assert validate(document, Outer) is None
    assert message in said(document)


def test_all_problems_at_once(tmp_path):
    document = read(tmp_path, "inner:\n- {size: x, nmae: y}\n- 3\nwrong: 1\n")
    assert validate(document, Outer) is None
    assert len(document.problems) == 5
