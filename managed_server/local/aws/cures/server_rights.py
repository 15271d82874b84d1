"""IAM: every caller may do everything, so that a server's role could as well be one with no rights at all.

Cured for the credentials that servers have: of a role in an instance profile, assumed; and access keys of
users. All others go on unchecked, as whoever provisions. Signatures aren't verified, and nobody needs a right
in KMS for what another service encrypts or decrypts for him.
"""

import json
from collections.abc import Callable
from typing import Any

from moto.iam.models import IAMBackend, iam_backends
from moto.moto_server import werkzeug_app
from moto.s3.models import s3_backends

from managed_server.local.aws.answers import error_body
from managed_server.local.aws.callers import PARTITION, RefusedError, caller
from managed_server.local.aws.cures.patching import replace, require
from managed_server.local.aws.iam_policy import Request, UnknownElementError, allowed
from managed_server.local.aws.requests import Asked, asked, credential


def _resource_policy(found: Asked, account: str) -> tuple[Any | None, bool]:
    """The policy of what is asked for, and whether it must allow it beside the role."""
    if found.bucket:
        _, owner = s3_backends.bucket_accounts.get(found.bucket, ("", account))
        bucket = s3_backends[owner][PARTITION].buckets.get(found.bucket)
        text = bucket.policy if bucket is not None else None
        return (json.loads(text) if text else None), owner != account
    if found.role:
        owner = found.role.split(":")[4]
        roles = iam_backends[owner][PARTITION].roles.values()
        trust = next((role.assume_role_policy_document for role in roles if role.arn == found.role), None)
        return (json.loads(trust) if trust else None), True
    return None, False


def _check(request: Any) -> None:
    """Refuse what the server that asks may not do.

    Raises:
        RefusedError: to be answered.
    """
    scope = credential(request.headers.get("Authorization", ""))
    who = caller(scope, request.headers.get("X-Amz-Security-Token")) if scope else None
    if scope is None or who is None:
        return
    for found in asked(request, scope, who.account):
        if found.action == "sts:GetCallerIdentity":
            continue
        context: dict[str, str] = {
            **found.context,
            "aws:principalaccount": who.account,
            "aws:principalarn": who.principal,
            "aws:requestedregion": scope.region,
            "aws:userid": who.user_id,
            # Machines reach the local AWS without TLS: they would use it.
            "aws:securetransport": "true",
            **{f"aws:principaltag/{key.lower()}": value for key, value in who.tags.items()},
        }
        names = (who.arn, who.principal, f"arn:{PARTITION}:iam::{who.account}:root", who.account)
        policy, both = _resource_policy(found, who.account)
        wanted = Request(found.action, found.resource, names, context)
        if not allowed(wanted, who.policies, policy, both=both) or (
            who.limit and not allowed(wanted, who.limit)
        ):
            what = f"{found.action} on resource: {found.resource}"
            raise RefusedError(403, "AccessDenied", f"User: {who.arn} is not authorized to perform: {what}")


def _checking(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_backend_app(service: Any) -> Any:
        from flask import Response, request  # noqa: PLC0415  # Flask belongs to moto's server alone

        application = create(service)

        def check() -> Any:
            try:
                _check(request)
            except RefusedError as refused:
                # Services that speak JSON name their errors so.
                code = refused.code + ("Exception" if request.headers.get("X-Amz-Target") else "")
                kind, body = error_body(request, code, str(refused))
                return Response(body, status=refused.status, content_type=kind)
            except UnknownElementError as error:
                kind, body = error_body(request, "NotImplemented", f"the local AWS can't judge this: {error}")
                return Response(body, status=501, content_type=kind)
            return None

        application.before_request(check)
        return application

    return create_backend_app


def apply() -> None:
    """Hold the requests of servers against their policies, and those of what they ask for."""
    require(s3_backends, "bucket_accounts")
    require(IAMBackend, "get_user_from_access_key_id")
    replace(werkzeug_app, "create_backend_app", _checking)
