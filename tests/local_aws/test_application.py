"""The application around moto's."""

import contextlib
import io
import threading
import time
from typing import Any

import pytest

from managed_server.local.aws.application import BOOT_ID_PATH, LocalAwsApplication


class Moto:
    """Stands in for moto: counts how many requests it is in at once."""

    def __init__(self) -> None:
        self.inside = self.most = self.served = 0
        self.bodies: list[bytes] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.01)
        self.inside -= 1
        self.served += 1
        self.bodies.append(environ["wsgi.input"].read())
        start_response("200 OK", [])
        return [b"moto"]


def ask(
    application: LocalAwsApplication, path: str = "/", method: str = "GET", **environ: Any
) -> tuple[str, bytes]:
    status = []
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "wsgi.input": io.BytesIO(), **environ}
    body = b"".join(application(environ, lambda line, _: status.append(line)))
    return status[0], body


def in_parallel(application: LocalAwsApplication, count: int = 8) -> None:
    threads = [threading.Thread(target=ask, args=(application,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_moto_sees_one_request_at_a_time():
    moto = Moto()
    in_parallel(LocalAwsApplication(moto, "b"))
    assert (moto.served, moto.most) == (8, 1)


def test_without_turns_requests_overlap():
    moto = Moto()
    application = LocalAwsApplication(moto, "b")
    application._turn = contextlib.nullcontext()  # type: ignore[assignment]
    in_parallel(application)
    assert moto.most > 1


def test_boot_id_needs_no_turn_and_no_signature():
    application = LocalAwsApplication(Moto(), "b00t")
    with application._turn:
        assert ask(application, BOOT_ID_PATH) == ("200 OK", b"b00t")


def test_a_signed_request_for_that_path_is_a_bucket_s():
    assert ask(LocalAwsApplication(Moto(), "b"), BOOT_ID_PATH, HTTP_AUTHORIZATION="AWS4")[1] == b"moto"


@pytest.mark.parametrize(("method", "status"), [("POST", "403 Forbidden"), ("GET", "200 OK")])
def test_a_reset_is_refused(method, status):
    assert ask(LocalAwsApplication(Moto(), "b"), "/moto-api/reset", method)[0] == status


def test_a_slow_sender_holds_nobody_up():
    moto = Moto()
    application = LocalAwsApplication(moto, "b")
    sent = threading.Event()

    class Slow(io.BytesIO):
        def read(self, *size: int | None) -> bytes:
            sent.wait(5)
            return super().read(*size)

    slow = threading.Thread(
        target=ask, args=(application,), kwargs={"CONTENT_LENGTH": "4", "wsgi.input": Slow(b"body")}
    )
    slow.start()
    ask(application)
    assert moto.bodies == [b""], "served before the slow one had sent its body"
    sent.set()
    slow.join()
    assert moto.bodies == [b"", b"body"]


class Counter:
    """Stands in for moto: each call makes one more; the first fails where it is told to."""

    def __init__(self) -> None:
        self.made = 0
        self.fail = False

    def __call__(self, _environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.made += 1
        failed, self.fail = self.fail, False
        start_response("500 Oh" if failed else "200 OK", [("X-Made", str(self.made))])
        return [b"made ", str(self.made).encode()]


def test_a_call_that_is_sent_again_is_carried_out_once():
    """A client that lost the answer gets the same one, and nothing is made twice."""
    moto = Counter()
    application = LocalAwsApplication(moto, "b")
    first = ask(application, method="POST", HTTP_AMZ_SDK_INVOCATION_ID="one")
    assert ask(application, method="POST", HTTP_AMZ_SDK_INVOCATION_ID="one") == first
    assert ask(application, method="POST", HTTP_AMZ_SDK_INVOCATION_ID="two") == ("200 OK", b"made 2")
    assert moto.made == 2


def test_reads_and_calls_without_an_id_are_always_carried_out():
    moto = Counter()
    application = LocalAwsApplication(moto, "b")
    for _ in range(2):
        ask(application, method="POST")
        ask(application, method="GET", HTTP_AMZ_SDK_INVOCATION_ID="one")
    assert moto.made == 4


def test_what_failed_inside_may_be_tried_again():
    moto = Counter()
    moto.fail = True
    application = LocalAwsApplication(moto, "b")
    assert ask(application, method="POST", HTTP_AMZ_SDK_INVOCATION_ID="one")[0] == "500 Oh"
    assert ask(application, method="POST", HTTP_AMZ_SDK_INVOCATION_ID="one") == ("200 OK", b"made 2")


def test_few_answers_are_kept():
    application = LocalAwsApplication(Counter(), "b")
    for number in range(1000):
        ask(application, method="POST", HTTP_AMZ_SDK_INVOCATION_ID=str(number))
    assert len(application._answers) <= 256
