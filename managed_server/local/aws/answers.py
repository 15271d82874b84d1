"""Errors in the protocol of a request, so that clients show their message."""

import json
from typing import Any
from xml.sax.saxutils import escape


def error_body(request: Any, code: str, message: str) -> tuple[str, str]:
    """Content type and body of an error that answers a request (of Flask)."""
    kind = request.headers.get("Content-Type", "")
    if "json" in kind or request.headers.get("X-Amz-Target"):
        return "application/json", json.dumps({"__type": code, "message": message})
    text = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if "2016-11-15" in request.get_data(
        as_text=True
    ):  # the API version of EC2, whose errors have a shape of their own
        return "text/xml", f"<Response><Errors><Error>{text}</Error></Errors></Response>"
    if request.mimetype == "application/x-www-form-urlencoded":
        return "text/xml", f"<ErrorResponse><Error>{text}</Error></ErrorResponse>"
    return "text/xml", f"<Error>{text}</Error>"
