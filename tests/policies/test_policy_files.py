"""Objects that are uploaded from files: what a file holds is looked at, as text in the stack is."""

from pathlib import Path
from typing import Any

import pytest
from policy_judge import Thing, judge
from policy_things import OBJECT
from pulumi.runtime import rpc
from rules import clear

ACCESS_KEY = "AKIA" + "Q" * 16


def uploaded(**content: str) -> Thing:
    asset = {rpc._special_sig_key: rpc._special_asset_sig, "hash": "0" * 64, **content}
    return OBJECT.without("contentBase64").having("source", asset)


def said(thing: Thing) -> list[str]:
    return [message for message, _ in judge(clear.no_credential_in_clear, thing).violations]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(clear, "PROJECT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("absolute", [False, True])
def test_a_file_is_read_where_the_engine_finds_it(project: Path, absolute: bool) -> None:  # noqa: FBT001
    bundle = project / "bundle.tar"
    path = str(bundle if absolute else bundle.relative_to(project))
    bundle.write_bytes(b"\0files/etc/motd\0Welcome\0")
    assert said(uploaded(path=path)) == []
    bundle.write_bytes(b"\0files/etc/key\0" + ACCESS_KEY.encode() + b"\0")
    assert said(uploaded(path=path)) == ["'bundle' holds an AWS access key in clear: source must not."]


def test_what_cannot_be_read_is_not_passed_over(project: Path) -> None:
    [message] = said(uploaded(path="gone.tar"))
    assert message.startswith("'bundle' can't be looked into: source can't be read (")
    assert str(project / "gone.tar") in message
    [message] = said(uploaded(uri="https://files.example/bundle.tar"))
    assert "RemoteAsset, not a file" in message


@pytest.mark.parametrize(("text", "count"), [("nothing", 0), (f"key {ACCESS_KEY}", 1)])
def test_text_is_read_as_it_is(text: str, count: int) -> None:
    assert len(said(uploaded(text=text))) == count


def test_the_rule_begins_at_the_folder_that_the_program_runs_in() -> None:
    assert (clear.PROJECT / "Pulumi.yaml").is_file()


def test_what_is_no_asset_is_left_to_the_provider() -> None:
    thing: dict[str, Any] = {"source": "a/path"}
    assert said(Thing(OBJECT.type, "old", thing)) == []
