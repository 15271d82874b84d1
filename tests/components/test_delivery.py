"""Bundles and pointers: a changed bundle changes these, and nothing else."""

import json
from pathlib import Path

import pulumi

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


def test_the_bucket_can_be_destroyed_with_what_it_holds(acme):
    bucket = acme.one("Bucket", "acme-delivery-store-bucket")
    assert bucket.inputs["forceDestroy"] is True
    assert bucket.inputs["tags"]["purpose"] == "delivery"
    assert not bucket.protect
