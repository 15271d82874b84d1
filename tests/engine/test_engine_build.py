"""The cache of engines: what its key depends on, and that it only ever holds whole ones."""

import os
import shutil
import sys
import threading
import time

import pytest

from managed_server.local import engine_build, engine_steps
from managed_server.local.engine_steps import EngineError, run_step


@pytest.fixture
def sources(tmp_path, monkeypatch):
    copy = tmp_path / "engine"
    shutil.copytree(engine_steps.SOURCES, copy)
    monkeypatch.setattr(engine_build, "SOURCES", copy)
    return copy


@pytest.fixture
def provider(tmp_path):
    path = tmp_path / "terraform-provider-aws"
    path.write_text("one")
    return path


def test_the_key_follows_what_an_engine_is_made_of(sources, provider):
    def key(go="1.26.8"):
        return engine_build.engine_key(go, provider)

    first = key()
    assert first == key()
    assert len(first) == 16
    assert first != key("1.26.9")
    for name in ("aws-provider/table.go", "cli/go.sum", "language-host/go.mod", "versions.json"):
        with (sources / name).open("a") as file:
            file.write("\n")
        changed = key()
        assert changed != first, name
        first = changed
    (sources / "aws-provider" / "new_test.go").write_text("package main\n")
    (sources / "README.md").write_text("text")
    assert key() == first
    provider.write_text("another")
    assert key() != first


@pytest.fixture
def cache(tmp_path, monkeypatch, provider):
    """A cache of its own, with a quick build in place of the real one."""
    monkeypatch.setenv("MANAGED_SERVER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(engine_build.engine_terraform, "find_terraform_provider", lambda: provider)
    monkeypatch.setattr(
        engine_build.toolchain, "find_go", lambda: engine_build.toolchain.Go("1.26", provider)
    )
    return tmp_path / "cache" / "engine"


def build_with(monkeypatch, action):
    built = []

    def build(folder, *_):
        built.append(folder)
        action(folder)

    monkeypatch.setattr(engine_build, "_build_into", build)
    return built


def test_an_engine_is_built_once(cache, monkeypatch, provider):
    built = build_with(monkeypatch, lambda folder: (folder / "bin").mkdir())
    said = []
    home, found = engine_build.ensure_engine(said.append)
    assert found == provider
    assert (home / "bin").is_dir()
    assert home.parent == cache
    assert said
    assert engine_build.ensure_engine(pytest.fail)[0] == home
    assert len(built) == 1


def test_a_failed_build_leaves_nothing(cache, monkeypatch):
    def fail(folder):
        (folder / "half").touch()
        raise EngineError("no")

    build_with(monkeypatch, fail)
    with pytest.raises(EngineError, match="no"):
        engine_build.ensure_engine(lambda _: None)
    assert [path.name for path in cache.iterdir()] == ["lock"]


def test_what_a_killed_build_left_is_removed(cache, monkeypatch):
    (cache / "tmp-engine-left").mkdir(parents=True)
    build_with(monkeypatch, lambda _: None)
    engine_build.ensure_engine(lambda _: None)
    assert not (cache / "tmp-engine-left").exists()


def test_two_builders_build_once(cache, monkeypatch):
    built = build_with(monkeypatch, lambda _: time.sleep(0.5))
    said, homes = [], []
    threads = [
        threading.Thread(target=lambda: homes.append(engine_build.ensure_engine(said.append)[0]))
        for _ in "12"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert homes[0] == homes[1]
    assert homes[0].parent == cache
    assert any("waiting" in line for line in said)


def test_engines_that_nobody_uses_go(cache, monkeypatch):
    build_with(monkeypatch, lambda _: None)
    old, recent, foreign = cache / ("a" * 16), cache / ("b" * 16), cache / "terraform"
    for folder in (old, recent, foreign):
        folder.mkdir(parents=True)
    for folder in (old, foreign):
        os.utime(folder, (0, 0))
    home, _ = engine_build.ensure_engine(lambda _: None)
    assert not old.exists()
    assert recent.exists()
    assert foreign.exists()
    assert home.exists()


def step(tmp_path, code):
    run_step(
        "building it",
        [sys.executable, "-c", code],
        folder=tmp_path,
        environ=os.environ,
        log=tmp_path / "logs" / "it.log",
        progress=lambda _: None,
    )


def test_a_failed_step_names_its_log_and_shows_its_end(tmp_path):
    with pytest.raises(EngineError) as caught:
        step(tmp_path, "import sys\nfor n in range(50): print('line', n)\nsys.exit(3)")
    said = str(caught.value)
    assert "building it failed with exit code 3" in said
    assert str(tmp_path / "logs" / "it.log") in said
    assert "line 49" in said
    assert "line 5\n" not in said
    assert "line 5\n" in (tmp_path / "logs" / "it.log").read_text()


def test_a_long_step_says_that_it_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_steps, "_STILL", 0.1)
    said = []
    run_step(
        "building it",
        [sys.executable, "-c", "import time; time.sleep(0.5)"],
        folder=tmp_path,
        environ=os.environ,
        log=tmp_path / "it.log",
        progress=said.append,
    )
    assert said[0] == "building it"
    assert any("so far" in line for line in said)


def test_a_step_that_cannot_start_is_an_error(tmp_path):
    with pytest.raises(EngineError, match="can't be started"):
        run_step(
            "building it",
            [tmp_path / "none"],
            folder=tmp_path,
            environ={},
            log=tmp_path / "it.log",
            progress=lambda _: None,
        )
