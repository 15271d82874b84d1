"""The fleet bucket, through boto3."""

import boto3
import pytest
from moto import mock_aws

from hub.fleet import show_own
from hub.state import Fleet
from hub.store import LARGEST, UNCHANGED, Store, StoreError
from tests.hub.support import Bucket


@pytest.fixture
def store(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    with mock_aws():
        made = Store("ms-hub-fleet-210987654321-eu-west-2", "eu-west-2")
        boto3.client("s3", region_name="eu-west-2").create_bucket(
            Bucket="ms-hub-fleet-210987654321-eu-west-2",
            CreateBucketConfiguration={"LocationConstraint": "eu-west-2"},
        )
        yield made


def test_what_is_written_is_listed_and_read(store):
    store.put("fragments/a/b.json", b"{}")
    store.put("hub/nrpe.pem", b"x")
    ((key, etag),) = store.listed("fragments/").items()
    assert key == "fragments/a/b.json"
    got = store.get(key)
    assert (got.content, got.etag) == (b"{}", etag)
    assert store.get(key, etag) is UNCHANGED
    assert store.get("machines/1/a/nrpe.pem") is None
    store.put(key, b"{ }")
    assert store.get(key, etag).content == b"{ }"


def test_all_pages_of_a_list_are_read(store):
    for number in range(1001):
        store.put(f"addresses/a/s{number}.json", b"{}")
    assert len(store.listed("addresses/")) == 1001


def test_no_more_is_read_than_anything_good_has(store):
    store.put("machines/1/a/nrpe.pem", b"x" * (LARGEST + 1000))
    assert len(store.get("machines/1/a/nrpe.pem").content) == LARGEST + 1


@pytest.mark.usefixtures("store")
def test_a_bucket_that_isnt_there_is_no_empty_one():
    missing = Store("ms-other-fleet", "eu-west-2")
    with pytest.raises(StoreError, match="can't list the fleet bucket"):
        missing.listed("fragments/")
    with pytest.raises(StoreError, match="can't write"):
        missing.put("hub/nrpe.pem", b"x")
    with pytest.raises(StoreError):
        Fleet(missing, {})


def test_a_bucket_that_isnt_reached_says_so(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    with pytest.raises(StoreError, match="can't list the fleet bucket"):
        Store("ms-hub-fleet", "eu-west-2").listed("fragments/")


def test_only_what_changed_is_read_again(store):
    memory = Bucket()
    memory.join()
    for key, content in memory.objects.items():
        store.put(key, content)
    key = "machines/111122223333/example-web1/nrpe.pem"
    first = Fleet(store, {})
    texts = {name: first.text(name) for name in memory.objects}
    assert texts == memory.objects
    asked = []
    get = store.get

    def counted(name, known=""):
        asked.append((name, bool(known)))
        return get(name, known)

    store.get = counted
    second = Fleet(store, first.cache)
    assert {name: second.text(name) for name in memory.objects} == memory.objects
    assert asked == [(key, True)], "a machine's certificate is not listed: S3 is asked whether it is another"
    assert second.cache == first.cache


def test_the_certificate_is_written_through(store, tmp_path):
    (tmp_path / "hub.pem").write_text("pem")
    show_own(store, tmp_path / "hub.pem")
    assert store.get("hub/nrpe.pem").content == b"pem"
