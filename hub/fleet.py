"""One round of `managed-fleet`: fetch what the fleet's stacks and machines published, and watch by it.

A fragment that can't be used changes nothing for the others, and the last good one of its server stays. A
bucket that can't be read changes nothing at all: only a list that was really had can remove a server.
"""

import fcntl
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub import settings as configured
from hub import state as kept
from hub.keeper import Keeper, RefusedError
from hub.members import Judged, judge
from hub.store import Store, StoreError
from hub.tree import write

PATIENCE = 3600
"""Seconds for which a new server may lack something before it is a warning."""

TAKEN = 420
"""Seconds in which the machines take a new certificate of the hub; they look every five minutes."""

OWN = "hub/nrpe.pem"
"""Key of the hub's own certificate."""

_SAID = 200  # characters

log = logging.getLogger("managed-fleet")


@dataclass
class Round:
    """What came of a round, for the heartbeat."""

    watched: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    late: dict[str, str] = field(default_factory=dict)
    """New servers that have lacked something for too long."""
    failed: str = ""
    """Why nothing was changed."""

    def line(self) -> str:
        """The heartbeat's line: its first word is the result."""
        if self.failed:
            return f"critical {self.failed}; {self.watched} servers stay as they were"
        if self.refused:
            return f"critical {_listing(self.refused)}; {self.watched} servers watched"
        if self.late:
            return f"warning {_listing(self.late)}; {self.watched} servers watched"
        return f"ok {self.watched} servers watched"


def _listing(reasons: Mapping[str, str]) -> str:
    shown = "; ".join(f"{name} {why}" for name, why in sorted(reasons.items())[:3])
    return shown + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")  # noqa: PLR2004


def work(store: Store, keeper: Keeper, state: kept.State, now: int) -> Round:
    """Do one round at the time `now` (seconds since 1970); the state is what the next one begins with."""
    keeper.start()
    result = Round(len(state.members))
    if now < state.let_in_from and not state.members:
        # A hub that was made anew: everybody would be unknown, and paged for.
        wait = f"{state.let_in_from - now} s until the machines have taken the hub's new certificate"
        return Round(late={"itself": wait})
    try:
        fleet = kept.Fleet(store, state.cache)
        judged = judge(fleet, state.members)
        state.members = keeper.accept(judged.members, state.members, judged.refused)
        state.cache = fleet.cache
        result = Round(len(state.members), judged.refused, _late(judged, state, now))
    except (StoreError, RefusedError) as error:
        result.failed = str(error)[:_SAID]
    untold = keeper.tell(state.told)
    if untold:
        result.failed = result.failed or f"{', '.join(untold)}: couldn't be told of a change"
    return result


def _late(judged: Judged, state: kept.State, now: int) -> dict[str, str]:
    state.waiting = {name: state.waiting.get(name, now) for name in judged.waiting}
    return {name: why for name, why in judged.waiting.items() if now - state.waiting[name] > PATIENCE}


def show_own(store: Store, certificate: Path) -> bool:
    """See to it that the hub's own certificate, which the machines let in, is in the bucket.

    Returns:
        Whether it took the place of another one: the machines let that one in until they look again.

    Raises:
        StoreError: the bucket can't be read or written.
        OSError: there is no certificate.
    """
    own = certificate.read_bytes()
    there = store.get(OWN)
    if there is not None and there.content == own:
        return False
    store.put(OWN, own)
    return there is not None


def main() -> int:
    """Do one round, and say in the heartbeat how it went."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    log.setLevel(logging.INFO)  # boto3 speaks of each credential otherwise
    told = configured.load()
    keeper = Keeper(configured.STATE, configured.load_parts())
    if sys.argv[1:] == ["--start"]:
        keeper.start()
        return 0
    with (configured.STATE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = configured.STATE / "state.json"
        state = kept.load(place)
        store = Store(told.bucket, told.region)
        now, problem = int(time.time()), ""
        try:
            if show_own(store, Path(told.certificate)):
                state.let_in_from = now + TAKEN
        except (StoreError, OSError) as error:
            problem = f"the hub's own certificate: {error}"[:_SAID]
        result = work(store, keeper, state, now)
        result.failed = result.failed or problem
        kept.save(place, state)
    line = result.line()
    log.info("%s", line)
    write(configured.HEARTBEATS / "fleet", line.encode("ascii", "backslashreplace").decode() + "\n")
    return 1 if result.failed else 0


if __name__ == "__main__":
    sys.exit(main())
