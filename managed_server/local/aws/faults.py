"""AWS on a bad day: requests that are answered by a failure and not carried out, while a file says so.

Only tests write the file, into the state folder of a local AWS, which listens on loopback alone. It goes with
the next start. What AWS itself would answer differs by the protocol of the service.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "faults.json"

_CODES = {
    # Of a 500 clients read the status alone; of throttling, the code (lists of botocore and the Go SDK).
    "throttle": {"ec2": "RequestLimitExceeded", "s3": "SlowDown"},
    "500": {"s3": "InternalError"},
}
_OTHERS = {"throttle": "ThrottlingException", "500": "InternalFailure"}
_UNAVAILABLE = ("ec2", "s3")  # they throttle by 503, the others by 400


@dataclass(frozen=True)
class Failure:
    """An answer of AWS that isn't what was asked for."""

    status: str
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Faults:
    """Answers requests by failures, as its file says: ``{"every": N, "answer": "500" or "throttle"}``."""

    def __init__(self, file: Path) -> None:
        """`file` may appear and go at any time; one that stands already is of an earlier run, and goes."""
        self._file = file
        self._seen = 0
        file.unlink(missing_ok=True)

    def failure(self, environ: Mapping[str, Any]) -> Failure | None:
        """Return how a request fails; none where it doesn't. Only requests to AWS count."""
        if "HTTP_AUTHORIZATION" not in environ:
            return None
        try:
            wanted = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):  # none, or just being written
            return None
        self._seen += 1
        if self._seen % int(wanted["every"]):
            return None
        return failure(environ, str(wanted["answer"]))


def failure(environ: Mapping[str, Any], kind: str) -> Failure:
    """Return a failure in the protocol of the service that is asked.

    Args:
        environ: the request (WSGI).
        kind: ``500`` or ``throttle``.
    """
    service = _service(str(environ.get("HTTP_AUTHORIZATION", "")))
    code = _CODES[kind].get(service, _OTHERS[kind])
    status = {"500": "500 Internal Server Error", "throttle": "400 Bad Request"}[kind]
    if kind == "throttle" and service in _UNAVAILABLE:
        status = "503 Service Unavailable"
    error = f"<Code>{code}</Code><Message>a fault of a test</Message>"
    if service == "s3":
        return _xml(status, f"<Error>{error}</Error>")
    if service == "ec2":
        inner = f"<Errors><Error>{error}</Error></Errors><RequestID>fault</RequestID>"
        return _xml(status, f"<Response>{inner}</Response>")
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        body = b"\xa2" + b"".join(map(_cbor, ("__type", code, "message", "a fault of a test")))
        return Failure(status, "application/cbor", body, (("smithy-protocol", "rpc-v2-cbor"),))
    if "HTTP_X_AMZ_TARGET" in environ:
        body = json.dumps({"__type": code, "message": "a fault of a test"}).encode()
        return Failure(status, "application/x-amz-json-1.1", body)
    if str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
        return _xml(
            status, f"<ErrorResponse><Error>{error}</Error><RequestId>fault</RequestId></ErrorResponse>"
        )
    body = json.dumps({"message": "a fault of a test"}).encode()
    return Failure(status, "application/json", body, (("x-amzn-ErrorType", code),))


def _service(authorization: str) -> str:
    """Return the service of a signature: ``Credential=KEY/DAY/REGION/SERVICE/aws4_request``."""
    _, _, scope = authorization.partition("Credential=")
    parts = scope.partition(",")[0].split("/")
    return parts[3] if len(parts) > 3 else ""  # noqa: PLR2004 - as written above


def _xml(status: str, body: str) -> Failure:
    return Failure(status, "text/xml", f'<?xml version="1.0" encoding="UTF-8"?>{body}'.encode())


def _cbor(text: str) -> bytes:
    """Write a text of less than 24 bytes, or of less than 256 (RFC 8949, 3.1)."""
    data = text.encode()
    head = bytes([0x60 + len(data)]) if len(data) < 24 else bytes([0x78, len(data)])  # noqa: PLR2004
    return head + data
