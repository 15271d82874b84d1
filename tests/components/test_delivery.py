"""Bundles and pointers: a changed bundle changes these, and nothing else."""

import json
from pathlib import Path

import pulumi
import pytest

from components import pins
from tests import factories
from tests.components.conftest import as_sent, environment

BUCKET = "ms-acme-delivery-123456789012-eu-west-2"


def by_name(recorded):
    """Inputs by name; a passphrase is another one at each run, and ignored."""
    return {r.name: r.inputs for r in recorded.resources if r.type != "aws:ssm/parameter:Parameter"}


def objects(recorded):
    """Of the customer's own buckets, by key."""
    found = recorded.of("BucketObjectv2")
    return {r.inputs["key"]: r for r in found if r.provider != "acme-aws-hub"}


def test_a_bundle_is_named_by_its_content(acme):
    bundle = factories.bundle()
    found = objects(acme)
    assert set(found) == {f"bundles/web1/{bundle.sha256}.tar", "servers/web1/current.json"}
    stored = found[f"bundles/web1/{bundle.sha256}.tar"]
    assert Path(stored.inputs["source"]["path"]).read_bytes() == bundle.content
    assert stored.inputs["bucket"] == BUCKET
    assert bundle.sha256[:16] in stored.name
    assert stored.retained, "kept when another one takes its place"


def test_the_state_keeps_the_same_of_it_in_every_clone(acme):
    """Its hash, and a path below the program's own folder."""
    bundle = factories.bundle()
    inputs = objects(acme)[f"bundles/web1/{bundle.sha256}.tar"].inputs
    assert inputs["source"] == as_sent(pulumi.FileAsset(f".local/bundles/{bundle.sha256}.tar"))
    assert not {"content", "contentBase64"} & set(inputs)


def test_a_spoilt_file_of_an_earlier_run_is_written_anew(tmp_path, monkeypatch):
    bundle = factories.bundle()
    monkeypatch.chdir(tmp_path)
    file = Path(f".local/bundles/{bundle.sha256}.tar")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"half")
    environment()
    assert file.read_bytes() == bundle.content
    assert list(file.parent.iterdir()) == [file], "nothing half written is left"


def test_the_pointer_names_the_bundle_and_comes_after_it(acme):
    sha256 = factories.bundle().sha256
    pointer = objects(acme)["servers/web1/current.json"]
    wanted = {"key": f"bundles/web1/{sha256}.tar", "sha256": sha256}
    assert json.loads(pointer.inputs["content"]) == wanted
    assert objects(acme)[wanted["key"]].name in pointer.depends_on
    assert not pointer.retained


def test_nothing_is_delivered_before_the_bucket_is_guarded(acme):
    bundle = objects(acme)[f"bundles/web1/{factories.bundle().sha256}.tar"]
    guards = {f"acme-delivery-store-{guard}" for guard in ("access", "policy", "encryption", "versioning")}
    assert guards <= bundle.depends_on


def test_a_changed_bundle_adds_an_object_and_moves_the_pointer_and_nothing_else(acme):
    changed = environment(bundles={"web1": factories.bundle(content=b"second")})
    before, after = by_name(acme), by_name(changed)
    first, second = factories.bundle().sha256, factories.bundle(content=b"second").sha256
    assert set(before) - set(after) == {f"acme-delivery-web1-bundle-{first[:16]}"}
    assert set(after) - set(before) == {f"acme-delivery-web1-bundle-{second[:16]}"}
    differing = {name for name in set(before) & set(after) if before[name] != after[name]}
    assert differing == {"acme-delivery-web1-pointer"}


def test_a_pin_moves_the_pointer_and_keeps_the_rest(acme):
    pin = "a" * 64
    pinned = environment(factories.server(pin=pin))
    assert json.loads(objects(pinned)["servers/web1/current.json"].inputs["content"]) == {
        "key": f"bundles/web1/{pin}.tar",
        "sha256": pin,
    }
    before, after = by_name(acme), by_name(pinned)
    assert {name for name in before if before[name] != after[name]} == {"acme-delivery-web1-pointer"}
    assert pinned.outputs["servers"]["web1"]["bundle_sha256"] == pin


def looked_up(recorded):
    return [call.args for call in recorded.calls if call.token == "aws:s3/getObjects:getObjects"]


def test_a_pin_is_looked_up_where_bundles_are_and_nothing_else_is(acme):
    pinned = environment(factories.server(pin="a" * 64), factories.server("db1", rules=()))
    assert looked_up(pinned) == [{"bucket": BUCKET, "prefix": f"bundles/web1/{'a' * 64}.tar"}]
    assert looked_up(acme) == []
    delivered_now = environment(factories.server(pin=factories.bundle().sha256))
    assert looked_up(delivered_now) == [], "the same run brings it"


def test_pins_to_what_was_never_delivered_are_refused_before_anything_is_made():
    wanted = {"web1": "a" * 64, "db1": "b" * 64, "db2": "c" * 64}
    servers = [factories.server(name, rules=(), pin=pin) for name, pin in wanted.items()]
    missing = tuple(f"bundles/{name}/{wanted[name]}.tar" for name in ("web1", "db1"))
    with pytest.raises(pulumi.RunError) as refused:
        environment(*servers, missing=missing)
    one, two = str(refused.value).splitlines()
    assert one == (
        "stacks/Pulumi.acme.yaml: servers.web1.pin: no such bundle was ever delivered: there is no "
        f"bundles/web1/{'a' * 64}.tar in the bucket {BUCKET}. Write the sha256 of one that is there (`aws s3 "
        f"ls s3://{BUCKET}/bundles/web1/` lists them), or take the line out"
    )
    assert two.startswith("stacks/Pulumi.acme.yaml: servers.db1.pin: no such bundle")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("NoSuchBucket: it does not exist", "no such bundle was ever delivered"),
        ("AccessDenied: no", "AccessDenied"),
    ],
)
def test_in_a_bucket_that_is_yet_to_be_made_there_is_nothing(monkeypatch, answer, said):
    def refuse(**_asked):
        raise Exception(f"invoke of aws:s3/getObjects:getObjects failed: {answer}")  # noqa: TRY002 - Pulumi's own

    monkeypatch.setattr(pins.aws.s3, "get_objects", refuse)
    with pytest.raises(Exception, match=said):
        environment(factories.server(pin="a" * 64))


def test_the_bucket_can_be_destroyed_with_what_it_holds(acme):
    bucket = acme.one("Bucket", "acme-delivery-store-bucket")
    assert bucket.inputs["forceDestroy"] is True
    assert bucket.inputs["tags"]["purpose"] == "delivery"
    assert not bucket.protect
