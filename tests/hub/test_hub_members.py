"""Each published server judged by itself: nobody's mistake is anybody else's."""

import json

import pytest

from hub.members import Member, judge
from tests.hub.support import Bucket, certificate


@pytest.fixture
def bucket():
    made = Bucket()
    made.join()
    made.join("acme", "db", ipv4="198.51.100.65", account="222233334444")
    made.show("acme", "db", account="222233334444")
    return made


@pytest.fixture
def before(bucket):
    return judge(bucket, {}).members


def test_good_ones_are_members(bucket):
    judged = judge(bucket, {})
    assert set(judged.members) == {"acme-db", "example-web1"}
    assert (judged.refused, judged.waiting) == ({}, {})
    member = judged.members["example-web1"]
    assert str(member.address.ipv4) == "198.51.100.64"
    assert member.certificate == certificate("example-web1")
    assert Member.from_json(json.loads(json.dumps(member.as_json()))) == member


def test_one_that_is_reached_by_its_name(bucket):
    address = {"account_id": "222233334444", "name": "db.acme.example"}
    bucket.objects["addresses/acme/db.json"] = json.dumps(address).encode()
    member = judge(bucket, {}).members["acme-db"]
    assert member.address.where == "db.acme.example"
    assert Member.from_json(json.loads(json.dumps(member.as_json()))) == member


@pytest.mark.parametrize(
    "where",
    [{}, {"ipv4": "198.51.100.65", "name": "db.acme.example"}, {"name": "db"}, {"name": "db;x.example"}],
)
def test_one_that_says_no_place_or_two_is_refused(bucket, where):
    bucket.objects["addresses/acme/db.json"] = json.dumps({"account_id": "222233334444", **where}).encode()
    assert judge(bucket, {}).refused["acme/db"].startswith("address: ")


def test_one_that_is_removed_is_out(bucket, before):
    bucket.leave("acme", "db")
    judged = judge(bucket, before)
    assert set(judged.members) == {"example-web1"}
    assert judged.refused == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda b: b.publish(checks=[]), "fragment: checks"),
        (lambda b: b.publish(schema=2), "fragment: schema"),
        (lambda b: b.publish(more="x"), "fragment: more"),
        (lambda b: b.publish(host="acme-db"), "fragment: "),
        (lambda b: b.publish(ipv4="2001:db8::1"), "address: ipv4"),
        (lambda b: b.publish(account="../acme"), "address: account_id"),
        (lambda b: b.objects.update({"fragments/example/web1.json": b"{"}), "fragment: "),
        (lambda b: b.objects.update({"fragments/example/web1.json": b"x" * 300_000}), "larger"),
        (
            lambda b: b.objects.update({"fragments/example/web1.json": b.objects["fragments/acme/db.json"]}),
            "speaks of acme/db",
        ),
        (lambda b: b.objects.pop("addresses/example/web1.json"), "has no address"),
        (lambda b: b.show(text="nonsense"), "certificate: is not one"),
        (lambda b: b.show(text=certificate("a") + certificate("b")), "certificate: is not one"),
        (
            lambda b: b.show(text="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "certificate: ",
        ),
    ],
)
def test_the_last_good_one_stays_and_the_others_go_on(bucket, before, change, reason):
    bucket.publish("acme", "db", ipv4="198.51.100.99", account="222233334444")
    change(bucket)
    judged = judge(bucket, before)
    assert judged.members["example-web1"] == before["example-web1"]
    assert str(judged.members["acme-db"].address.ipv4) == "198.51.100.99"
    assert list(judged.refused) == ["example/web1"]
    assert reason in judged.refused["example/web1"]
    new = judge(bucket, {})
    assert set(new.members) == {"acme-db"}, "there is no last good one of it"
    assert list({**new.refused, **new.waiting}) == ["example/web1"]


def test_a_bad_certificate_holds_no_other_change_back(bucket, before):
    bucket.publish(ipv4="198.51.100.70")
    bucket.show(text="nonsense")
    member = judge(bucket, before).members["example-web1"]
    assert str(member.address.ipv4) == "198.51.100.70"
    assert member.certificate == before["example-web1"].certificate


def test_a_machine_that_was_made_anew_shows_another_certificate(bucket, before):
    bucket.show(text=certificate("made anew"))
    assert judge(bucket, before).members["example-web1"].certificate == certificate("made anew")


def test_a_certificate_comes_from_the_servers_own_account_alone(bucket, before):
    """Whoever may write for another account can't speak for this machine, before or after a move."""
    bucket.show(account="999999999999", text=certificate("thief"))
    assert judge(bucket, before).members["example-web1"].certificate == certificate("example-web1")
    bucket.publish(account="222233334444")
    judged = judge(bucket, before)
    assert judged.members["example-web1"] == before["example-web1"]
    assert "has not shown its certificate" in judged.refused["example/web1"]
    bucket.show(account="222233334444", text=certificate("moved"))
    assert judge(bucket, before).members["example-web1"].certificate == certificate("moved")


def test_a_new_one_waits_for_its_machine(bucket):
    bucket.publish("other", "web1")
    judged = judge(bucket, {})
    assert judged.waiting == {"other/web1": "has not shown its certificate"}
    assert "other-web1" not in judged.members
    bucket.show("other", "web1")
    assert "other-web1" in judge(bucket, {}).members


def test_of_two_with_one_name_the_one_that_was_there_stays(bucket):
    bucket.join("aa-b", "c")
    before = judge(bucket, {}).members
    bucket.join("aa", "b-c", ipv4="198.51.100.80")
    judged = judge(bucket, before)
    assert judged.members["aa-b-c"].owner == ("aa-b", "c")
    assert list(judged.refused) == ["aa/b-c"]
    new = judge(bucket, {})
    assert "aa-b-c" not in new.members
    assert set(new.refused) == {"aa/b-c", "aa-b/c"}


@pytest.mark.parametrize(
    "key", ["fragments/x.json", "fragments/../../etc/x.json", "fragments/A/b.json", "fragments/"]
)
def test_other_names_are_refused_and_read_by_nobody(bucket, key):
    bucket.objects[key] = b"{}"
    bucket.read.clear()
    judged = judge(bucket, {})
    assert set(judged.members) == {"acme-db", "example-web1"}
    assert list(judged.refused) == [key]
    assert key not in bucket.read
