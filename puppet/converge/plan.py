"""What Puppet is told: the manifest, less what doesn't apply here, and what an earlier bundle left behind."""

import datetime
import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Manifest = dict[str, Any]
Listed = dict[str, list[str]]
"""What a bundle brings, by kind: names or paths."""

KINDS = ("files", "directories", "units", "packages", "users", "groups")

FIRST_PERSON = 1000
"""The first number of a person's account (Debian, login.defs(5))."""

# States of a unit's file, as `systemctl is-enabled` takes them for enabled and not; a static one is neither.
RUNS = ("enabled", "enabled-runtime", "static", "alias")
STANDS = ("disabled", "masked", "masked-runtime", "static", "")


def present(manifest: Manifest, installed: Callable[[str], bool]) -> Manifest:
    """Leave out what belongs to packages that the machine lacks and that the bundle can't bring."""

    def keep(item: Any) -> bool:
        return not isinstance(item, dict) or all(installed(package) for package in item.get("needs", ()))

    kept = {
        key: [item for item in value if keep(item)] if isinstance(value, list) else value
        for key, value in manifest.items()
    }
    units = {unit["name"] for unit in kept["units"]}
    for kind in ("files", "links", "removed", "secrets"):
        kept[kind] = [{**i, "notify": [u for u in i["notify"] if u in units]} for i in kept[kind]]
    return kept


def left_out(manifest: Manifest, installed: Callable[[str], bool]) -> list[str]:
    """Return the packages that only a person can bring, and that aren't there."""
    return [package for package in manifest["vendor_packages"] if not installed(package)]


def listed(manifest: Manifest) -> Listed:
    """Return what a manifest brings and what therefore goes when the next one lacks it.

    A file that is written only once belongs to the customer from then on.
    """
    sources = [source["name"] for source in manifest["apt_sources"]]
    return {
        "files": [
            *(file["path"] for file in manifest["files"] if not file["once"]),
            *(link["path"] for link in manifest["links"]),
            *(secret["path"] for secret in manifest["secrets"]),
            *(f"/etc/apt/sources.list.d/managed-{name}.sources" for name in sources),
            *(f"/etc/apt/keyrings/managed-{name}.asc" for name in sources),
        ],
        "directories": [directory["path"] for directory in manifest["directories"]],
        "units": [
            *(unit["name"] for unit in manifest["units"] if unit["state"] == "running"),
            *(timer["name"] for timer in manifest["timers"]),
        ],
        "packages": list(manifest["packages"]),
        "users": [user["name"] for user in manifest["users"]],
        "groups": list(manifest["groups"]),
    }


def union(one: Listed, other: Listed) -> Listed:
    """Return what either lists, sorted."""
    return {kind: sorted({*one.get(kind, ()), *other.get(kind, ())}) for kind in KINDS}


def gone(before: Listed, now: Listed, kept_units: Iterable[str]) -> Listed:
    """Return what was there and is no longer wanted; the deepest folders first."""
    left = {kind: sorted(set(before.get(kind, ())) - set(now[kind])) for kind in KINDS}
    left["units"] = sorted(set(left["units"]) - set(kept_units))
    left["directories"].sort(key=lambda path: (-path.count("/"), path))
    return left


def numbers(known: Mapping[str, int], there: Mapping[str, int], users: Iterable[str]) -> dict[str, int]:
    """Return the number of each account that is or ever was here, and of those that are to come.

    Nobody gets the number of somebody who left, whose files stay; whoever comes back gets their own again.

    Args:
        known: numbers of the accounts of earlier runs.
        there: those of people's accounts that are here.
        users: names of the accounts that are wanted.
    """
    given = {**known, **there}
    for name in users:
        others = [number for other, number in there.items() if other != name]
        if name not in given or given[name] in others:
            given[name] = max([FIRST_PERSON - 1, *given.values()]) + 1
    return given


def units(manifest: Manifest) -> dict[str, bool]:
    """Return the units by name, and whether each is to run."""
    return {
        **{unit["name"]: unit["state"] == "running" for unit in manifest["units"]},
        **{timer["name"]: True for timer in manifest["timers"]},
    }


def settled(*, runs: bool, state: Mapping[str, str]) -> bool:
    """Whether a unit is as it should be, so that Puppet need not look.

    Args:
        runs: whether it is to run, and to be enabled.
        state: what systemd says of it (systemctl(1), show); empty if that isn't known.
    """
    if state.get("NeedDaemonReload") != "no":
        return False
    if runs:
        return state["ActiveState"] == "active" and state["UnitFileState"] in RUNS
    return state["ActiveState"] in ("inactive", "failed") and state["UnitFileState"] in STANDS


def parents(manifest: Manifest) -> list[str]:
    """Return the folders above files, links and folders that the manifest says nothing of itself."""
    own = {directory["path"] for directory in manifest["directories"]}
    paths = [item["path"] for kind in ("files", "links", "directories", "secrets") for item in manifest[kind]]
    return sorted({posixpath.dirname(path) for path in paths} - own - {"/"})


def expiry(last_day: str | None) -> str:
    """Return the day on which an account is locked: the one after its last (chage(1), --expiredate)."""
    if last_day is None:
        return "absent"
    return (datetime.date.fromisoformat(last_day) + datetime.timedelta(days=1)).isoformat()


def data(
    manifest: Manifest,
    bundle: str,
    missing: list[str],
    left: Listed,
    secrets: list[dict[str, Any]],
    states: Mapping[str, Mapping[str, str]],
    *,
    uids: Mapping[str, int],
    go_on: bool,
) -> dict[str, Any]:
    """Return what Hiera gives to site.pp.

    Args:
        manifest: what applies here.
        bundle: path of the bundle.
        missing: packages that are not installed yet.
        left: what earlier bundles brought and this one lacks.
        secrets: those that were fetched.
        states: what systemd says of the units; those that it says nothing of, Puppet looks at.
        uids: number of each user's account.
        go_on: whether what fails keeps only what builds on it from being applied, not all that comes after.
    """
    all_units = units(manifest)
    looked_at = [
        name for name, runs in all_units.items() if not settled(runs=runs, state=states.get(name, {}))
    ]
    if not all(all_units[name] for name in looked_at):  # what is stopped may take others along
        looked_at = list(all_units)
    return {
        **{key: manifest[key] for key in ("apt_sources", "packages", "groups", "directories", "files")},
        **{key: manifest[key] for key in ("links", "removed", "units", "timers", "setup")},
        "looked_at": looked_at,
        "bundle": bundle,
        "go_on": go_on,
        "missing": missing,
        "secrets": secrets,
        "parents": parents(manifest) or ["/etc"],
        "users": [
            {**user, "uid": uids[user["name"]], "expiry": expiry(user["expires"])}
            for user in manifest["users"]
        ],
        "gone": left,
    }
