"""Who gets what of a stand that several processes of pytest share."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import ExitStack

import pytest

from tests.box.stacks import shared


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """For three processes."""
    monkeypatch.setattr(shared, "COUNT", 3)
    return tmp_path


@pytest.fixture
def stopped(monkeypatch):
    """State folders whose local AWS was stopped."""
    found = []
    monkeypatch.setattr(shared.process, "stop", found.append)
    return found


def claim(folder):
    """What a process gets that goes at once."""
    with shared.claimed(folder) as share:
        return share


def test_the_first_makes_it_and_the_others_wait_for_their_copies(folder, stopped):
    with ThreadPoolExecutor(2) as pool:
        with shared.claimed(folder) as first:
            assert (first.stand, first.first) == (folder / "0", True)
            others = [pool.submit(claim, folder) for _ in range(2)]
            with pytest.raises(NotYet):
                others[0].result(0.3)
            first.made()
            found = [other.result(30) for other in others]
        assert {share.stand for share in found} == {folder / "1", folder / "2"}
        assert not any(share.first for share in found)
    assert sorted(stopped) == [folder / "1/stacks/.local", folder / "2/stacks/.local"], "each its own"


@pytest.mark.usefixtures("stopped")
def test_all_are_at_work_from_when_it_is_shared_to_the_end_of_the_last(folder):
    assert not shared.busy(folder)
    with ExitStack() as one:
        first = one.enter_context(shared.claimed(folder))
        assert not shared.busy(folder)
        first.made()
        with shared.claimed(folder), shared.claimed(folder):
            assert shared.busy(folder)
        assert shared.busy(folder), "the first one"
    assert not shared.busy(folder)


@pytest.mark.usefixtures("stopped")
def test_there_are_no_more_shares_than_that(folder):
    with shared.claimed(folder) as first:
        first.made()
        for _ in range(2):
            claim(folder)
        with pytest.raises(RuntimeError, match="each has been taken"):
            claim(folder)


def test_a_copy_that_nobody_came_for_ends_with_the_first(folder, stopped):
    with shared.claimed(folder) as first:
        first.made()
        assert claim(folder).stand == folder / "1"
        assert stopped == [folder / "1/stacks/.local"]
    assert stopped[1:] == [folder / "2/stacks/.local"]
    with pytest.raises(RuntimeError, match="no stand"):
        claim(folder)


@pytest.mark.usefixtures("stopped")
def test_where_the_first_fails_nobody_waits(folder):
    with pytest.raises(ValueError, match="no converge"), shared.claimed(folder):
        raise ValueError("no converge")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no stand"):
            claim(folder)


def test_where_the_first_is_killed_nobody_takes_what_it_left(folder):
    with ExitStack() as kept:
        share = kept.enter_context(shared.claimed(folder))
        share.made()
        (folder / "made").unlink()  # as if its lock had gone with it
        with pytest.raises(RuntimeError, match="no stand"):
            claim(folder)
