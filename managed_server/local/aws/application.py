"""The WSGI application around moto's: which boot this is, one request at a time, no reset from outside."""

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from managed_server.local.aws.faults import Failure, Faults

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

BOOT_ID_PATH = "/managed-server/boot-id"
MOTO_API = "/moto-api"


_REMEMBERED = 256
"""Answers that are kept: a client tries again within seconds, in which there are never more."""


@dataclass(frozen=True)
class _Answer:
    status: str
    headers: list[tuple[str, str]]
    body: bytes


def _answer(application: Application, environ: Environ) -> _Answer:
    """Call a WSGI application, and take its whole answer."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        started.append((status, headers))

    parts = application(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    return _Answer(status, list(headers), body)


class LocalAwsApplication:
    """Serves the boot id next to moto's API, and hands moto one request at a time.

    moto keeps its state in plain dictionaries and generators: two launches at once can break its list of
    addresses. Its work is processor time under Python's one lock, so that threads would gain next to nothing
    (docs/adr/0003-local-aws.md has the measurement). Reading a request and sending an answer aren't part of a
    turn.
    """

    def __init__(self, moto: Application, boot_id: str, faults: Faults | None = None) -> None:
        """`moto`: the application to wrap; `boot_id`: made anew at each start, as all resources are."""
        self._moto = moto
        self._boot_id = boot_id
        self._faults = faults
        self._turn = threading.Lock()
        self._answers: OrderedDict[str, _Answer] = OrderedDict()

    def alone(self) -> AbstractContextManager[object]:
        """A context in which no request is carried out."""
        return self._turn

    def copy(self, faults: Faults) -> "LocalAwsApplication":
        """The same over the same moto, for a process that was forked: all of its locks are free."""
        return LocalAwsApplication(self._moto, self._boot_id, faults)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        path = environ.get("PATH_INFO", "")
        # Signed requests are AWS's: a bucket may be named like the path.
        if path == BOOT_ID_PATH and "HTTP_AUTHORIZATION" not in environ:
            return _text(start_response, "200 OK", self._boot_id)
        if path.startswith(MOTO_API) and environ.get("REQUEST_METHOD") != "GET":
            # A reset would lose all resources under the same boot id, and nobody would notice.
            return _text(start_response, "403 Forbidden", "the local AWS is only emptied by a restart\n")
        _read_body(environ)
        with self._turn:
            failure = self._faults.failure(environ) if self._faults else None
            return self._once(environ, start_response) if failure is None else _fail(start_response, failure)

    def _once(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Carry a call out once, however often it is sent.

        A client whose connection broke before the answer sends its call again, under the same invocation id.
        Carried out twice, a create would be refused as a duplicate of itself: it would stand, unknown to its
        maker. AWS seldom loses an answer; a loaded machine with a connection for each call does.
        """
        call = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        if call is None or environ.get("REQUEST_METHOD") in ("GET", "HEAD"):
            return self._moto(environ, start_response)
        answer = self._answers.get(call)
        if answer is None:
            answer = _answer(self._moto, environ)
            if not answer.status.startswith("5"):  # what failed in here may be tried again
                self._answers[call] = answer
                while len(self._answers) > _REMEMBERED:
                    self._answers.popitem(last=False)
        start_response(answer.status, answer.headers)
        return [answer.body]


def _fail(start_response: StartResponse, failure: Failure) -> list[bytes]:
    length = ("Content-Length", str(len(failure.body)))
    start_response(failure.status, [("Content-Type", failure.content_type), length, *failure.headers])
    return [failure.body]


def _text(start_response: StartResponse, status: str, text: str) -> list[bytes]:
    body = text.encode()
    start_response(
        status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    )
    return [body]


def _read_body(environ: Environ) -> None:
    """Take the whole body off the wire, so that a slow sender holds nobody up."""
    length = environ.get("CONTENT_LENGTH")
    if length or environ.get("wsgi.input_terminated"):
        source = environ["wsgi.input"]
        environ["wsgi.input"] = io.BytesIO(source.read(int(length)) if length else source.read())
