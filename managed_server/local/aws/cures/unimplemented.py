"""Every call that moto doesn't know is answered by a 500, which clients retry for minutes."""

import logging
from collections.abc import Callable
from typing import Any

from moto.moto_server import werkzeug_app

from managed_server.local.aws.answers import error_body
from managed_server.local.aws.cures.patching import replace

LOG = logging.getLogger("managed_server.local.aws")
CODE = "NotImplemented"
# A 501 is not on the list of codes that the SDKs retry; a 500 is.
STATUS = 501


def _answering(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_backend_app(service: Any) -> Any:
        from flask import Response, request  # noqa: PLC0415  # Flask belongs to moto's server alone

        application = create(service)

        def refuse(error: NotImplementedError) -> Any:
            message = f"the local AWS has no such call: {error}"
            LOG.error("%s: %s", service, message)
            kind, body = error_body(request, CODE, message)
            return Response(body, status=STATUS, content_type=kind, headers={"x-amzn-errortype": CODE})

        application.register_error_handler(NotImplementedError, refuse)
        return application

    return create_backend_app


def apply() -> None:
    """Answer by an error that names the call and isn't retried."""
    replace(werkzeug_app, "create_backend_app", _answering)
