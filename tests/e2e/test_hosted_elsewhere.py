"""A customer with one server, elsewhere, by the real engine: a key made beside the stack goes with it."""

import re

import pytest

from managed_server.local.aws import process
from tests.e2e.support import Clone, copy_repository
from tests.stackfile import FAR, STACK, write_stack

pytestmark = [pytest.mark.engine, pytest.mark.soak]

ALONE = STACK[: STACK.index("      web1:")] + FAR
USER = "acme-far-access-user"


@pytest.fixture
def alone(tmp_path):
    """A copy of its own: what is protected stands until its local AWS ends."""
    made = Clone(copy_repository(tmp_path / "clone"), {}, "acme")
    write_stack(made.path, ALONE)
    try:
        done = made.managed("local", "up", "hub", "acme")
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
        made.point_at_local_aws()
        yield made
    finally:
        made.managed("local", "down")
        assert process.status(made.path / ".local") is None


def of_type(clone, ending):
    return [each["urn"] for each in clone.deployment()["resources"] if each["type"].endswith(ending)]


def test_its_user_goes_with_a_key_that_the_stack_never_knew(alone, tmp_path):
    assert len(of_type(alone, ":User")) == 1
    assert not of_type(alone, ":Vpc")
    script = tmp_path / "far.sh"
    done = alone.deploy("bootstrap", "acme", "far", "--script", str(script))
    assert done.returncode == 0, done.stdout + done.stderr
    secret = re.search(r"aws_secret_access_key *= *(\S+)", script.read_text())[1]
    again = alone.pulumi("up", "--yes", "--refresh", "--expect-no-changes", "--policy-pack", "policies")
    assert again.returncode == 0, again.stdout + again.stderr
    for path in (alone.path / ".local" / "state").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()
    write_stack(alone.path, ALONE + "        retire: true\n")
    gone = alone.deploy("retire", "acme", "far", "--without-backup", "far", "--yes")
    assert gone.returncode == 0, gone.stdout[-4000:] + gone.stderr[-4000:]
    assert not of_type(alone, ":User")
