"""Every call that moto doesn't know is answered by a 500, which clients retry for minutes."""

import json
import logging
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from moto.moto_server import werkzeug_app

from managed_server.local.aws.cures.patching import replace

LOG = logging.getLogger("managed_server.local.aws")
CODE = "NotImplemented"
# A 501 is not on the list of codes that the SDKs retry; a 500 is.
STATUS = 501


def _body(request: Any, message: str) -> tuple[str, str]:
    """Content type and body in the protocol of the request, so that clients show the message."""
    kind = request.headers.get("Content-Type", "")
    if "json" in kind or request.headers.get("X-Amz-Target"):
        return "application/json", json.dumps({"__type": CODE, "message": message})
    text = f"<Code>{CODE}</Code><Message>{escape(message)}</Message>"
    if "2016-11-15" in request.get_data(
        as_text=True
    ):  # the API version of EC2, whose errors have a shape of their own
        return "text/xml", f"<Response><Errors><Error>{text}</Error></Errors></Response>"
    if request.mimetype == "application/x-www-form-urlencoded":
        return "text/xml", f"<ErrorResponse><Error>{text}</Error></ErrorResponse>"
    return "text/xml", f"<Error>{text}</Error>"


def _answering(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_backend_app(service: Any) -> Any:
        from flask import Response, request  # noqa: PLC0415  # Flask belongs to moto's server alone

        application = create(service)

        def refuse(error: NotImplementedError) -> Any:
            message = f"the local AWS has no such call: {error}"
            LOG.error("%s: %s", service, message)
            kind, body = _body(request, message)
            return Response(body, status=STATUS, content_type=kind, headers={"x-amzn-errortype": CODE})

        application.register_error_handler(NotImplementedError, refuse)
        return application

    return create_backend_app


def apply() -> None:
    """Answer by an error that names the call and isn't retried."""
    replace(werkzeug_app, "create_backend_app", _answering)
