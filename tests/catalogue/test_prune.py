"""Old backups go by the customer's own role for an hour: in the local AWS, with restic itself."""

import io
import json

import pytest
import typer
from botocore.exceptions import ClientError

from components.backup_pruning import BackupPruningArgs, statements
from managed_server import prune, resolve
from managed_server.commands import backups
from managed_server.model.catalogue_items import Keep
from tests.conftest import ROOT
from tests.local_aws.support import running

from .support import with_the_hosts_network
from .test_backup import BACKUP, SITE, Place, another, document

pytestmark = pytest.mark.machine

NEWEST = Keep(daily=1, monthly=0)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with running(tmp_path_factory.mktemp("aws")) as started:
        yield started


@pytest.fixture(scope="module")
def backups_of_today(root, tmp_path_factory, machine, local):
    """What three backups of today put into a bucket."""
    with another(root, tmp_path_factory, machine, local) as made:
        made.run(
            SITE
            + "\n".join(
                f"seq {n}00000 >/home/alice/{n}; {BACKUP} take; rm /home/alice/{n}" for n in range(1, 4)
            )
        )
        return made.objects()


@pytest.fixture
def place(root, tmp_path, machine, local, monkeypatch, backups_of_today):
    """A server with three backups of today, and the role, with the rights that the stack gives."""
    with_the_hosts_network(monkeypatch)
    made = Place(root, tmp_path, machine, local)
    made.fill(backups_of_today)
    account, region = made.home.account, made.spec.backup_region
    name = made.spec.passphrase_parameter
    made.away.client("ssm").put_parameter(Name=name, Value="first passphrase", Type="SecureString")
    args = BackupPruningArgs(
        role=made.spec.prune_role,
        account_id=account,
        deploy_role=made.spec.provider.deploy_role,
        backup_region=region,
        bucket=made.bucket,
        key_arn=f"arn:aws:kms:{region}:{account}:key/backup",
        passphrase_arn=f"arn:aws:ssm:{region}:{account}:parameter{name}",
    )
    iam = made.home.client("iam")
    deploy = f"arn:aws:iam::{account}:role/{args.deploy_role}"
    trust = {"Effect": "Allow", "Principal": {"AWS": deploy}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=args.role, AssumeRolePolicyDocument=document(trust))
    rights = document(*statements(args))
    iam.put_role_policy(RoleName=args.role, PolicyName="prune", PolicyDocument=rights)
    iam.create_instance_profile(
        InstanceProfileName="held"
    )  # the local AWS holds those in one to their rights
    iam.add_role_to_instance_profile(InstanceProfileName="held", RoleName=args.role)
    for variable in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_ENDPOINT_URL": local.endpoint,
    }.items():  # fmt: skip
        monkeypatch.setenv(variable, value)
    return made


def versions(place, kind="Versions"):
    found = place.away.client("s3").list_object_versions(Bucket=place.bucket)
    return {(each["Key"], each["VersionId"]) for each in found.get(kind, ())}


def test_what_need_not_be_kept_goes_and_its_versions_stay(place):
    before = versions(place)
    found = prune.access(place.spec, "web1")
    there = prune.look(found, "restic")
    assert len(there) == 3
    going = prune.forget(found, NEWEST, "restic", dry_run=True)
    assert len(going) == 2
    assert len(prune.look(found, "restic")) == 3, "nothing went"
    assert prune.forget(found, NEWEST, "restic", dry_run=False) == going
    [left] = prune.look(found, "restic")
    assert left["time"] == max(each["time"] for each in there)
    assert before <= versions(place), "what went is an earlier version"
    gone = {key.split("/")[1] for key, _ in versions(place, "DeleteMarkers")}
    assert gone >= {"snapshots", "index", "data"}
    said = place.run(
        f"{BACKUP} adopt; {BACKUP} check; {BACKUP} restic restore latest --target /r; wc -l </r/home/alice/3"
    )
    assert said[-1] == "300000", "what is kept is whole"


def test_a_run_that_was_cut_off_is_finished_by_the_same_command(place, monkeypatch, capsys):
    """As if the hour had ended when the snapshots had gone: neither their data went, nor restic's lock."""
    monkeypatch.setattr(resolve, "load_customer", lambda *_: place.spec)
    monkeypatch.setattr(prune, "keep", lambda _: NEWEST)

    def command(*, yes):
        backups.prune("acme", "web1", yes=yes, root=ROOT)
        return capsys.readouterr().err

    s3, at = place.away.client("s3"), {"Bucket": place.bucket}
    found = prune.access(place.spec, "web1")
    prune._restic(found, "restic", "forget", *[each["id"] for each in prune.look(found, "restic")[:2]])
    locks = s3.list_object_versions(**at, Prefix="web1/locks/")["Versions"]
    key, version = max((each["LastModified"], each["Key"], each["VersionId"]) for each in locks)[1:]
    lock = s3.get_object(**at, Key=key, VersionId=version)["Body"].read()
    s3.put_object(**at, Key=key, Body=lock, ChecksumAlgorithm="SHA256")

    def size():
        return sum(each["Size"] for each in s3.list_objects_v2(**at, Prefix="web1/data/")["Contents"])

    before = size()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    with pytest.raises(typer.Abort):
        command(yes=False)
    assert size() == before
    said = command(yes=True)
    assert "acme-web1: 0 of 1 snapshots go" in said
    assert "B of data go that no snapshot needs: a run was cut off" in said
    assert "B of data are gone" in said
    assert size() < before
    assert "no snapshot needs" not in command(yes=True)
    assert len(prune.look(found, "restic")) == 1


def test_somebody_who_wrote_into_the_repository_keeps_everything_there(place):
    found = prune.access(place.spec, "web1")
    before = versions(place)
    s3 = place.away.client("s3")
    forged = "--host web1 --time '2030-01-01 00:00:00' /etc/passwd"
    said = place.run(f"{BACKUP} adopt && {BACKUP} restic backup {forged}; {BACKUP} restic snapshots")
    assert "2030-01-01 00:00:00" in "".join(said)
    with pytest.raises(prune.PruneError, match="is of 2030-01-01 00:00:00, and was written at"):
        prune.look(found, "restic")
    key = min(key for key, _ in before if "/data/" in key)
    s3.put_object(Bucket=place.bucket, Key=key, Body=b"garbage", ChecksumAlgorithm="SHA256")
    with pytest.raises(prune.PruneError, match=f"1 objects were written over, first {key}"):
        prune.look(found, "restic")
    assert before <= versions(place)


def test_the_role_reaches_one_server_and_no_version(place):
    """Neither another server's backups, nor anything that would be gone for good."""
    found = prune.access(place.spec, "web1")
    s3, admin = found.s3, place.away.client("s3")
    admin.put_object(Bucket=place.bucket, Key="db1/config", Body=b"x", ChecksumAlgorithm="SHA256")
    key, version = max(versions(place))
    assert key.startswith("web1/")
    refused = [
        (s3.get_object, {"Key": "db1/config"}),
        (s3.delete_object, {"Key": "db1/config"}),
        (s3.delete_object, {"Key": key, "VersionId": version}),
        (s3.delete_object, {"Key": key, "VersionId": version, "BypassGovernanceRetention": True}),
        (s3.delete_bucket, {}),
        (s3.put_bucket_versioning, {"VersioningConfiguration": {"Status": "Suspended"}}),
    ]
    for call, arguments in refused:
        with pytest.raises(ClientError) as error:
            call(Bucket=place.bucket, **arguments)
        assert error.value.response["Error"]["Code"] == "AccessDenied", (call, arguments)


def test_the_catalogue_says_once_what_is_kept_and_the_lock_outlives_no_day_of_it():
    kept = prune.keep(ROOT)
    assert (kept.daily, kept.monthly) == (35, 12)
    assert json.loads(kept.model_dump_json()) == {"daily": 35, "monthly": 12}
