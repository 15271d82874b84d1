"""The view of a backup's bucket: what was first written counts, whatever a thief wrote later."""

import hashlib
import json
import runpy
import time
import urllib.error
import urllib.request

import pytest

from managed_server.local.aws import process
from managed_server.local.aws.client import session
from tests.conftest import ROOT

IMPORTS = """
import contextlib, datetime, hashlib, http.server, itertools, json, threading
from collections.abc import Iterator
from typing import Any
"""


@pytest.fixture(scope="module")
def view_class(tmp_path_factory):
    """The class as it is included in the program."""
    path = tmp_path_factory.mktemp("view") / "view.py"
    path.write_text(IMPORTS + (ROOT / "templates/restore/view.py").read_text())
    return runpy.run_path(str(path))["View"]


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    folder = tmp_path_factory.mktemp("aws")
    try:
        yield session(process.start(folder, lambda _: None), "444455556666", "eu-west-1").client("s3")
    finally:
        process.stop(folder)


class Bucket:
    def __init__(self, s3, name):
        self.s3, self.name = s3, name
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def put(self, key, content):
        self.s3.put_object(Bucket=self.name, Key=f"web1/{key}", Body=content)

    def named(self, kind, content):
        name = hashlib.sha256(content).hexdigest()
        self.put(f"{kind}/{name[:2]}/{name}" if kind == "data" else f"{kind}/{name}", content)
        return name

    def delete(self, key):
        self.s3.delete_object(Bucket=self.name, Key=f"web1/{key}")


@pytest.fixture
def bucket(s3, request):
    return Bucket(s3, "b-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:12])


def test_what_was_written_over_is_read_as_it_was(view_class, s3, bucket):
    bucket.put("config", b"first")
    pack, snapshot = bucket.named("data", b"pack"), bucket.named("snapshots", b"snapshot")
    s3.put_object(Bucket=bucket.name, Key="web2/config", Body=b"another server's")
    bucket.put("config", b"garbage")
    bucket.put(f"data/{pack[:2]}/{pack}", b"garbage")
    bucket.put(f"snapshots/{snapshot}", b"garbage")
    view = view_class(s3, bucket.name, "web1/")
    assert view.read("config", "") == b"first"
    assert view.read("data", pack) == b"pack"
    assert view.read("snapshots", snapshot) == b"snapshot"
    assert len(view.overwritten) == 3
    assert len(view.objects) == 3


def test_small_objects_that_are_not_what_their_names_say_are_left_out(view_class, s3, bucket):
    good = bucket.named("index", b"index")
    bucket.put(f"index/{'0' * 64}", b"garbage")
    bucket.put("snapshots/nonsense", b"garbage")
    bucket.put("elsewhere/x", b"garbage")
    view = view_class(s3, bucket.name, "web1/")
    assert list(view.objects) == [("index", good)]
    assert sorted(view.refused) == [f"index/{'0' * 64}", "snapshots/nonsense"]


def test_what_was_pruned_is_gone_and_what_was_written_again_is_there(view_class, s3, bucket):
    pruned, again = bucket.named("data", b"pruned"), bucket.named("data", b"again")
    bucket.delete(f"data/{pruned[:2]}/{pruned}")
    bucket.delete(f"data/{again[:2]}/{again}")
    time.sleep(1.1)  # S3 tells times in whole seconds
    bucket.named("data", b"again")
    time.sleep(1.1)
    bucket.put(f"data/{again[:2]}/{again}", b"garbage")
    view = view_class(s3, bucket.name, "web1/")
    assert list(view.objects) == [("data", again)]
    assert view.read("data", again) == b"again"


def test_the_state_at_a_time(view_class, s3, bucket):
    early = bucket.named("data", b"early")
    at = s3.head_object(Bucket=bucket.name, Key=f"web1/data/{early[:2]}/{early}")["LastModified"]
    time.sleep(1.1)
    late = bucket.named("data", b"late")
    bucket.delete(f"data/{early[:2]}/{early}")
    assert list(view_class(s3, bucket.name, "web1/", at).objects) == [("data", early)]
    assert list(view_class(s3, bucket.name, "web1/").objects) == [("data", late)]


def test_it_speaks_restics_protocol(view_class, s3, bucket):
    bucket.put("config", b"configuration")
    pack = bucket.named("data", b"0123456789")
    view = view_class(s3, bucket.name, "web1/")

    def ask(path, method="GET", **headers):
        request = urllib.request.Request(where + path, method=method, headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, dict(answer.headers), answer.read()

    with view.served() as name:
        where = name.removeprefix("rest:")
        assert where.startswith("http://127.0.0.1:")
        assert ask("config")[2] == b"configuration"
        status, headers, content = ask("config", "HEAD")
        assert (status, headers["Content-Length"], content) == (200, "13", b"")
        status, headers, content = ask("data/", Accept=view_class.V2)
        assert headers["Content-Type"] == view_class.V2
        assert json.loads(content) == [{"name": pack, "size": 10}]
        assert ask(f"data/{pack}")[2] == b"0123456789"
        assert ask(f"data/{pack}", Range="bytes=2-4")[::2] == (206, b"234")
        assert json.loads(ask("locks/")[2]) == []
        for path, method, code in (
            ("keys/x", "GET", 404),
            (f"data/{pack}", "DELETE", 501),
            ("config", "POST", 501),
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                ask(path, method)
            assert refused.value.code == code
            refused.value.close()
