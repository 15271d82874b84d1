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
