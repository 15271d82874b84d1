"""Brings the machine to the bundle that this program stands in: `python3 …/puppet/converge [--noop]`.

Needs nothing but Python's own library and apt. Ends with 0 when the machine is as the bundle says, with 1
when it is not, with 3 when the bundle isn't for this machine, with 4 when it isn't what was fetched any more.
One run at a time; what it did is in /var/lib/managed-server/reports.
"""

import argparse
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import plan
import secrets_store
import system

SCHEMA = 2
BUNDLE = Path(__file__).resolve().parents[2]
HOME = Path("/var/lib/managed-server")
RUN = Path("/run/managed-server")
DATA = RUN / "converge.json"
"""What hiera.yaml gives to site.pp."""
GOOD = BUNDLE.parent / "good"
"""Link to the last bundle that converged; fetch-bundle sets it."""
IDENTITY = Path("/etc/managed-server/identity")
REPORTS = HOME / "reports"
NOT_INSTALLED = HOME / "converge/not-installed"
"""Packages that the last run couldn't install, for the heartbeat; one line."""
KEPT_REPORTS = 50
LOCK_TIMEOUT = 900  # seconds; a first run takes minutes
PUPPET_TIMEOUT = 3600  # seconds
DONE = (0, 2)  # puppet apply --detailed-exitcodes: nothing to do; all done
REFUSED = 3
DAMAGED = 4


class RefusedError(Exception):
    """The bundle isn't one that this machine may take."""


class DamagedError(Exception):
    """What was unpacked isn't whole any more."""


def main() -> int:
    """Converge; return the exit code."""
    parser = argparse.ArgumentParser(prog="converge", description="Bring this machine to its bundle.")
    parser.add_argument("--noop", action="store_true", help="say what would change, and change nothing")
    noop = parser.parse_args().noop
    os.umask(0o022)
    for name, value in identity().items():
        if name.startswith("AWS_"):  # off EC2, it says where this machine's credentials are
            os.environ.setdefault(name, value)
    RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (RUN / "converge.lock").open("w") as lock:
        wait_for(lock)
        try:
            return converge(checked(manifest_of(BUNDLE)), noop=noop)
        except (RefusedError, DamagedError) as error:
            print(f"converge: {BUNDLE.name}: {error}", file=sys.stderr)
            return REFUSED if isinstance(error, RefusedError) else DAMAGED
        finally:
            secrets_store.clear()


def wait_for(lock: Any) -> None:
    """Wait until no other run is on."""
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise SystemExit("converge: another run has not ended within 15 minutes") from None
            time.sleep(0.5)


def identity() -> dict[str, str]:
    """What user data, or an engineer's bootstrap, said of the machine."""
    return dict(line.split("=", 1) for line in IDENTITY.read_text().splitlines() if "=" in line)


def manifest_of(bundle: Path) -> plan.Manifest:
    """Read the manifest.

    Raises:
        DamagedError: it isn't there, or isn't what was fetched.
    """
    try:
        return dict(json.loads((bundle / "manifest.json").read_text()))  # type: ignore[return-value]
    except (OSError, ValueError) as error:
        raise DamagedError(f"its manifest can't be read: {error}") from error


def checked(manifest: plan.Manifest) -> plan.Manifest:
    """Return the manifest of a bundle that is whole and meant for this machine.

    Raises:
        RefusedError: it isn't for this machine.
        DamagedError: a file is missing, or not what was fetched.
    """
    if manifest.get("schema") != SCHEMA:
        raise RefusedError(f"its manifest has schema {manifest.get('schema')}, not {SCHEMA}")
    here = identity()
    meant = f"{manifest['customer']}-{manifest['server']}"
    if meant != f"{here['MANAGED_CUSTOMER']}-{here['MANAGED_SERVER']}":
        raise RefusedError(f"it is for {meant}")
    if str(manifest["debian"]) != system.release():
        raise RefusedError(f"it is for Debian {manifest['debian']}, and this is {system.release()}")
    for file in manifest["files"]:
        try:
            content = (BUNDLE / "files" / file["path"].lstrip("/")).read_bytes()
        except OSError as error:
            raise DamagedError(f"its file {file['path']} can't be read: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise DamagedError(f"its file {file['path']} was changed after it was unpacked")
    return manifest


def converge(whole: plan.Manifest, *, noop: bool) -> int:
    """Run Puppet once, and remember what was applied."""
    ensure_puppet()
    installed = system.installed_packages()
    manifest = plan.present(whole, installed.__contains__)
    wanted = plan.listed(manifest)
    missing = sorted(set(manifest["packages"]) - installed)
    state = system.load_state()
    # Before anything is done: a run that is cut off leaves a record of all that it may have brought.
    state["applied"] = plan.union(state["applied"], wanted)
    state["installed"] = sorted({*state["installed"], *missing})
    people = system.people()
    state["numbers"] = plan.numbers(state.get("numbers", {}), people, wanted["users"])
    if not noop:
        system.save_state(state)
    left = plan.gone(state["applied"], wanted, [unit["name"] for unit in manifest["units"]])
    ours = set(left["packages"]) & set(state["installed"]) & installed
    left["packages"] = system.removable(ours) if ours else []
    # Besides those of the last bundle, accounts that somebody added by hand.
    left["users"] = sorted({*left["users"], *people} - set(wanted["users"]))
    go_on = not GOOD.exists()
    secrets, unknown = secrets_store.stage(manifest["secrets"], identity()["AWS_REGION"])
    if unknown:
        print(f"converge: can't fetch {', '.join(unknown)}", file=sys.stderr)
        if not go_on:
            return 1
    # What is installed or stopped now changes what the units are.
    states = {} if missing or left["units"] else system.unit_states(list(plan.units(manifest)))
    data = plan.data(
        *(manifest, str(BUNDLE), missing, left, secrets, states), uids=state["numbers"], go_on=go_on
    )
    code = puppet(data, noop=noop)
    done = code in DONE and not unknown
    if not noop:
        absent = sorted(set(missing) - system.installed_packages())
        system.write(NOT_INSTALLED, " ".join(absent) + "\n")
    if done and not noop:
        state["applied"] = wanted
        state["installed"] = sorted(set(state["installed"]) - set(left["packages"]))
        system.save_state(state)
    for package in plan.left_out(whole, installed.__contains__):
        print(f"converge: left out what needs {package}: only a person can install it", file=sys.stderr)
    return 0 if done else 1


def ensure_puppet() -> None:
    """Install Puppet: no image brings it. Its own agent is never used."""
    if Path("/usr/bin/puppet").exists():
        return
    script = BUNDLE / "puppet/install-packages"
    if subprocess.run(["sh", str(script), "puppet-agent"], check=False).returncode != 0:
        raise SystemExit("converge: Puppet can't be installed")


def puppet(data: dict[str, Any], *, noop: bool) -> int:
    """Apply site.pp to the data; return Puppet's detailed exit code."""
    system.write(DATA, json.dumps(data))
    folder = BUNDLE / "puppet"
    # Folders of its own: a customer may use Puppet as well.
    argv = [
        *("puppet", "apply", "--detailed-exitcodes", "--color", "false", "--logdest", "console"),
        *(
            "--confdir",
            str(RUN / "puppet"),
            "--vardir",
            str(HOME / "puppet"),
            "--rundir",
            str(RUN / "puppet"),
        ),
        *("--hiera_config", str(folder / "hiera.yaml"), "--modulepath", str(folder / "modules")),
        # No facts: all that there is to know is in the data, and gathering them takes longer than the rest.
        *("--facts_terminus", "memory"),
        *("--reports", "store", "--reportdir", str(REPORTS), "--certname", "server"),
        *(("--noop",) if noop else ()),
        str(folder / "site.pp"),
    ]
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    try:
        code = subprocess.run(argv, check=False, timeout=PUPPET_TIMEOUT, env=env).returncode
    except subprocess.TimeoutExpired:
        print(f"converge: Puppet didn't end within {PUPPET_TIMEOUT} s", file=sys.stderr)
        code = 1
    for old in sorted(REPORTS.glob("server/*.yaml"))[:-KEPT_REPORTS]:
        old.unlink()
    return code


if __name__ == "__main__":
    sys.exit(main())
