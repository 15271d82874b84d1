"""The off-site backup: against the local AWS, with the rights that the server's own role has."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from components.server_role import ServerRoleArgs, statements
from tests.local_aws.support import Aws, running

from .support import customer, files_of, folders_of, run_script, with_the_hosts_network

BACKUP = "/usr/local/lib/managed-server/backup"
HEARTBEATS = "/var/lib/managed-server/heartbeat"
STATE = "/var/lib/managed-server/backup"
TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def document(*found):
    return json.dumps({"Version": "2012-10-17", "Statement": list(found)})


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with running(tmp_path_factory.mktemp("aws")) as started:
        yield started


class Place:
    """A customer's server: its bucket, its passphrase, its role, and its files in a tree."""

    def __init__(self, root, tmp_path, machine, local):
        release, self.tree = machine
        self.home = Aws(local)
        changes = {
            "123456789012": self.home.account,
            "disk_gb: 80": f"disk_gb: 80\n        debian: {release}",
        }
        self.spec = customer(tmp_path, changes)
        self.files = files_of(root, self.spec, ["backup"])
        self.folders = folders_of(self.spec, ["backup"])
        self.away = Aws(local, self.spec.backup_region, self.home.account)
        self.bucket = self.spec.backup_bucket
        s3 = self.away.client("s3")
        s3.create_bucket(
            Bucket=self.bucket,
            ObjectLockEnabledForBucket=True,
            CreateBucketConfiguration={"LocationConstraint": self.spec.backup_region},
        )
        retention = {"Mode": "GOVERNANCE", "Days": 35}
        s3.put_object_lock_configuration(
            Bucket=self.bucket,
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}},
        )
        self.set_passphrase("first passphrase")
        self.environment = {"AWS_ENDPOINT_URL": local.endpoint, **self.credentials()}

    def set_passphrase(self, value):
        self.home.client("ssm").put_parameter(
            Name=self.spec.passphrase_parameter, Value=value, Type="SecureString", Overwrite=True
        )

    def credentials(self):
        """Those of the server's role, which has exactly the rights that the stack gives it."""
        iam, account = self.home.client("iam"), self.home.account
        name = self.spec.passphrase_parameter
        args = ServerRoleArgs(
            server="web1",
            region=self.spec.region,
            backup_region=self.spec.backup_region,
            delivery_bucket=self.spec.delivery_bucket,
            data_key_arn=f"arn:aws:kms:{self.spec.region}:{account}:key/data",
            backup_bucket=self.bucket,
            backup_key_arn=f"arn:aws:kms:{self.spec.backup_region}:{account}:key/backup",
            passphrase_arn=f"arn:aws:ssm:{self.spec.region}:{account}:parameter{name}",
        )
        iam.create_role(RoleName="web1", AssumeRolePolicyDocument=document(TRUST))
        iam.put_role_policy(RoleName="web1", PolicyName="server", PolicyDocument=document(*statements(args)))
        iam.create_instance_profile(InstanceProfileName="web1")
        iam.add_role_to_instance_profile(InstanceProfileName="web1", RoleName="web1")
        arn = f"arn:aws:iam::{account}:role/web1"
        given = self.home.client("sts").assume_role(RoleArn=arn, RoleSessionName="i-1")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }

    def objects(self):
        """What is in its bucket, by key."""
        s3 = self.away.client("s3")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=self.bucket)["Contents"]]
        return {key: s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def fill(self, objects):
        """Put into its bucket what is in that of another with the same passphrase."""
        s3 = self.away.client("s3")
        for key, content in objects.items():
            s3.put_object(Bucket=self.bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256")

    def run(self, script, state=None, **more):
        """Run a script on the server. Returns its lines; they have to end with `done`."""
        files = {**self.files, **(state or {})}
        environment = {**self.environment, **more}
        result = run_script(self.tree, f"{self.folders}\n{script}\necho done", files, 180, environment)
        lines = result.stdout.splitlines()
        assert lines[-1:] == ["done"], result
        return lines[:-1]


@pytest.fixture
def place(root, tmp_path, machine, local, monkeypatch):
    with_the_hosts_network(monkeypatch)
    return Place(root, tmp_path, machine, local)


@contextmanager
def another(root, tmp_path_factory, machine, local) -> Iterator[Place]:
    """A server for what several tests begin with: it is made once, and put into the buckets of all."""
    with pytest.MonkeyPatch.context() as patch:
        with_the_hosts_network(patch)
        yield Place(root, tmp_path_factory.mktemp("place"), machine, local)


@pytest.fixture(scope="module")
def first_backup(root, tmp_path_factory, machine, local):
    """What the first backup of a site puts into a bucket."""
    with another(root, tmp_path_factory, machine, local) as made:
        made.run(SITE + f"{BACKUP} take")
        return made.objects()


@pytest.fixture
def backed_up(place, first_backup):
    """A server with one backup, on a machine that knows nothing of it."""
    place.fill(first_backup)
    return place


@pytest.fixture
def places(root, tmp_path, machines, local, monkeypatch):
    with_the_hosts_network(monkeypatch)
    return Place(root, tmp_path, machines, local)


pytestmark = pytest.mark.machine

SITE = """
mkdir -p /home/alice /var/www/shop.example/public
echo one >/home/alice/one; head -c 100000 /dev/urandom >/var/www/shop.example/public/picture
mkdir -p /etc/nginx && echo 'conf' >/etc/nginx/nginx.conf
ln -s one /home/alice/link; mkfifo /home/alice/pipe
"""


def test_a_snapshot_can_be_restored_and_judged(places):
    said = places.run(
        SITE
        + f"""
{BACKUP} take >/dev/null && echo taken
echo two >>/home/alice/one
{BACKUP} take >/dev/null && echo again
cat {HEARTBEATS}/backup-result; cut -d ' ' -f 1 {HEARTBEATS}/backup
stat -c '%a %n' {STATE} {STATE}/* /var/cache/managed-server/restic
{BACKUP} restic snapshots --json | jq length
{BACKUP} restic restore latest --target /restored >/dev/null && echo restored
diff /home/alice/one /restored/home/alice/one && diff -r /var/www /restored/var/www && echo same
cat /restored{STATE}/inventory.json | jq -c '[.schema, .server, .files, .dumps]'
cd /restored && jq -r '"\\(.[1])  .\\(.[0])"' .{STATE}/files.jsonl | sha256sum --check --quiet && echo sums
wc -l <.{STATE}/files.jsonl
{BACKUP} check 2>/dev/null && cat {HEARTBEATS}/backup-check-result
grep -rl 'first[ ]passphrase' /etc /opt /run /root /tmp /var 2>/dev/null
"""
    )
    assert said[:2] == ["taken", "again"]
    assert said[2].startswith(("ok snapshot ", "warning "))
    assert said[3] == "ok"
    assert f"700 {STATE}" in said
    assert "700 /var/cache/managed-server/restic" in said
    assert not [line for line in said if line.startswith(("644", "640")) and STATE in line]
    rest = said[said.index("2") :]
    assert rest[1:3] == ["restored", "same"]
    schema, server, files, dumps = json.loads(rest[3])
    assert (schema, server, dumps) == (1, "web1", {})
    assert rest[4:6] == ["sums", str(files)]
    assert rest[6].startswith("ok no error; read part ")
    assert rest[7:] == [], "the passphrase is on no disk"


def test_the_repository_is_the_servers_own_prefix_and_nothing_goes(backed_up):
    place, keys = backed_up, set(backed_up.objects())
    assert {key.split("/")[0] for key in keys} == {"web1"}
    assert not [key for key in keys if "/locks/" in key]
    state = SITE + f"{BACKUP} adopt; {BACKUP} take; "
    said = place.run(state + f"{BACKUP} restic forget --keep-last 1 --prune >/dev/null 2>&1; echo $?")
    assert said != ["0"]
    assert keys <= set(place.objects())


def test_another_passphrase_is_refused_before_anything_is_written(backed_up):
    place, fingerprint = backed_up, hashlib.sha256(b"first passphrase").hexdigest().encode()
    known = {f"{STATE}/passphrase.sha256": place.files[BACKUP]._replace(content=fingerprint)}
    place.set_passphrase("of somebody else")
    s3 = place.away.client("s3")
    before = s3.list_object_versions(Bucket=place.bucket)["Versions"]
    said = place.run(SITE + f"{BACKUP} take; echo $?; cat {HEARTBEATS}/*", known)
    assert said == [
        "1", "critical the passphrase in the parameter store is not the one of this server's first backup",
    ]  # fmt: skip
    said = place.run(SITE + f"{BACKUP} take; echo $?; cat {HEARTBEATS}/*; ls {STATE}")  # a rebuilt machine
    assert said[0] == "1"
    assert said[1].startswith("critical restic cat: ")
    assert "passphrase.sha256" not in said
    assert s3.list_object_versions(Bucket=place.bucket)["Versions"] == before


def test_a_new_machine_adds_nothing_to_the_backups_of_a_lost_one_before_they_are_restored(backed_up):
    place = backed_up

    def data():  # whoever reads takes a lock
        found = place.away.client("s3").list_object_versions(Bucket=place.bucket)["Versions"]
        return [(each["Key"], each["VersionId"]) for each in found if "/locks/" not in each["Key"]]

    before = data()
    said = place.run(f"{BACKUP} take; echo $?; cat {HEARTBEATS}/*; ls {STATE}; {BACKUP} check; echo $?")
    assert said[0] == "1"
    assert said[1].startswith("critical there are backups of a machine before this one: ")
    assert said[2:] == ["1"]
    assert data() == before
    state = f"{BACKUP} restic restore latest --target / >/dev/null; "
    said = place.run(f"{state}{BACKUP} take; {BACKUP} restic snapshots --json | jq length")
    assert said[-1] == "2", "what was restored knows its repository"
    said = place.run(f"{BACKUP} adopt && {SITE} {BACKUP} take; {BACKUP} restic snapshots --json | jq length")
    assert said[-1] == "3", "somebody said that it begins anew"


def test_what_cannot_be_reached_is_not_taken_for_missing(place):
    said = place.run(
        SITE + f"{BACKUP} take; echo $?; cat {HEARTBEATS}/*; ls {STATE}",
        AWS_ENDPOINT_URL_S3="http://127.0.0.1:9",
    )
    assert said[0] == "1"
    assert "aws s3api list-objects-v2" in said[1]
    assert len(said) == 2
    known = {f"{STATE}/passphrase.sha256": place.files[BACKUP]._replace(content=b"")}
    said = place.run(
        f"printf %s 'first passphrase' | sha256sum | cut -d ' ' -f 1 >{STATE}/passphrase.sha256\n"
        f"{BACKUP} take; echo $?; cat {HEARTBEATS}/*",
        known,
    )
    assert said == ["1", "critical there was a repository, and now there is none"]


def test_files_that_cannot_be_read_are_told_and_deleted_ones_are_not(place):
    said = place.run(
        SITE
        + f"""
cat >/usr/local/bin/restic <<'END'
#!/bin/sh
case " $* " in
    *' backup '*)
        said='{{"message_type":"error","error":{{"message":"%s"}},"item":"%s"}}\\n'
        printf "$said" "lstat /a: no such file or directory" /a >&2
        [ -z "$DENIED" ] || printf "$said" "permission denied" /b >&2
        /usr/bin/restic "$@"
        exit 3 ;;
esac
exec /usr/bin/restic "$@"
END
chmod 755 /usr/local/bin/restic
DENIED= {BACKUP} take; cat {HEARTBEATS}/backup-result
DENIED=1 {BACKUP} take; cat {HEARTBEATS}/backup-result
"""
    )
    assert "can't be read" not in said[-2]
    assert "1 files can't be read, first /b" in said[-1]
    assert said[-1].startswith("warning ")


def test_a_folder_that_somebody_moved_elsewhere_is_told(place):
    """Restic keeps the link, and nothing of what is behind it; the drill would hold that against itself."""
    moved = "mkdir /mnt/big && mv /var/www /mnt/big/www && ln -s /mnt/big/www /var/www"
    said = place.run(f"{SITE}{moved}\n{BACKUP} take; cat {HEARTBEATS}/backup-result")
    assert said[-1].startswith("warning ")
    assert "/var/www is a link, and what is behind it isn't backed up; " in said[-1]
