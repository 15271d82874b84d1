"""IAM: every caller may do everything, so that a server's role could as well be one with no rights at all.

Cured for the credentials that EC2 instances have: of a role in an instance profile, assumed. All others go on
unchecked, as whoever provisions. Signatures aren't verified, and nobody needs a right in KMS for what another
service encrypts or decrypts for him.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends
from moto.moto_server import werkzeug_app
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from managed_server.local.aws.answers import error_body
from managed_server.local.aws.cures.patching import replace, require
from managed_server.local.aws.iam_policy import Request, UnknownElementError, allowed
from managed_server.local.aws.requests import Asked, asked, credential

_PARTITION = "aws"


class _RefusedError(Exception):
    """A request that is not carried out: status, error code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def _session(key: str) -> Any | None:
    """The session of an instance's role that an access key belongs to."""
    for account, backends in list(iam_backends.items()):
        known = backends[_PARTITION].access_keys.get(key)
        if known is not None:
            profiles = backends[_PARTITION].instance_profiles.values()
            if known.role_arn in {role.arn for profile in profiles for role in profile.roles}:
                return sts_backends[account][_PARTITION].get_assumed_role_from_access_key(key)
    return None


def _policies(role: Any) -> Iterator[Any]:
    """The role's own policies, and those attached to it."""
    for text in role.policies.values():
        yield json.loads(text)
    for policy in role.managed_policies.values():
        yield json.loads(next(version.document for version in policy.versions if version.is_default))


def _resource_policy(found: Asked, account: str) -> tuple[Any | None, bool]:
    """The policy of what is asked for, and whether it must allow it beside the role."""
    if found.bucket:
        _, owner = s3_backends.bucket_accounts.get(found.bucket, ("", account))
        bucket = s3_backends[owner][_PARTITION].buckets.get(found.bucket)
        text = bucket.policy if bucket is not None else None
        return (json.loads(text) if text else None), owner != account
    if found.role:
        owner = found.role.split(":")[4]
        roles = iam_backends[owner][_PARTITION].roles.values()
        trust = next((role.assume_role_policy_document for role in roles if role.arn == found.role), None)
        return (json.loads(trust) if trust else None), True
    return None, False


def _check(request: Any) -> None:
    """Refuse what the instance that asks may not do.

    Raises:
        _RefusedError: to be answered.
    """
    scope = credential(request.headers.get("Authorization", ""))
    session = _session(scope.key) if scope else None
    if scope is None or session is None:
        return
    if request.headers.get("X-Amz-Security-Token") != session.session_token:
        raise _RefusedError(
            403, "InvalidClientTokenId", "The security token included in the request is invalid."
        )
    if session.expiration.replace(tzinfo=UTC) < datetime.now(UTC):
        raise _RefusedError(403, "ExpiredToken", "The security token included in the request is expired")
    role = iam_backends[session.account_id][_PARTITION].get_role_by_arn(session.role_arn)
    if role.permissions_boundary_arn:
        raise UnknownElementError("a permissions boundary")
    for found in asked(request, scope, session.account_id):
        if found.action == "sts:GetCallerIdentity":
            continue
        context: dict[str, str] = {
            **found.context,
            "aws:principalaccount": session.account_id,
            "aws:principalarn": role.arn,
            "aws:requestedregion": scope.region,
            "aws:userid": session.user_id,
            # Machines reach the local AWS without TLS: they would use it.
            "aws:securetransport": "true",
            **{f"aws:principaltag/{key.lower()}": value for key, value in _tags(role).items()},
        }
        account = session.account_id
        names = (session.arn, role.arn, f"arn:{_PARTITION}:iam::{account}:root", account)
        policy, both = _resource_policy(found, account)
        wanted = Request(found.action, found.resource, names, context)
        # A session's own policy allows nothing by itself: it limits what the role may do.
        limit = [json.loads(session.policy)] if session.policy else []
        if not allowed(wanted, _policies(role), policy, both=both) or (limit and not allowed(wanted, limit)):
            what = f"{found.action} on resource: {found.resource}"
            raise _RefusedError(
                403, "AccessDenied", f"User: {session.arn} is not authorized to perform: {what}"
            )


def _tags(role: Any) -> Mapping[str, str]:
    return {tag["Key"]: tag["Value"] for tag in role.tags}


def _checking(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_backend_app(service: Any) -> Any:
        from flask import Response, request  # noqa: PLC0415  # Flask belongs to moto's server alone

        application = create(service)

        def check() -> Any:
            try:
                _check(request)
            except _RefusedError as refused:
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
    """Hold the requests of instances against the policies of their roles, and of what they ask for."""
    require(s3_backends, "bucket_accounts")
    replace(werkzeug_app, "create_backend_app", _checking)
