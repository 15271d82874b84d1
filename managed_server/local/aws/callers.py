"""Who asks the local AWS, and what that caller may do.

That is known of sessions of instances' roles, and of users with access keys. Everybody else isn't checked:
whoever provisions.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from managed_server.local.aws.iam_policy import Document, UnknownElementError
from managed_server.local.aws.requests import Credential

PARTITION = "aws"
_USERS = "AKIA"
"""How access keys of users begin; sessions' begin with ASIA (IAM user guide, unique identifiers)."""


class RefusedError(Exception):
    """A request that is not carried out: status, error code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Caller:
    """A caller whose rights are checked."""

    account: str
    arn: str
    """As error messages and resource policies name it: of a session or a user."""
    principal: str
    """ARN of the role or user itself."""
    user_id: str
    policies: tuple[Document, ...]
    limit: tuple[Document, ...] = ()
    """Policies of a session, which allow nothing by themselves: they limit what its role may do."""
    tags: Mapping[str, str] = field(default_factory=dict)


def caller(scope: Credential, token: str | None) -> Caller | None:
    """Return who signed a request; None for those who aren't checked.

    Args:
        scope: of the signature.
        token: of a session, as it was sent.

    Raises:
        RefusedError: the key isn't valid (any more).
        UnknownElementError: a role has what can't be judged here.
    """
    session = _session(scope.key)
    if session is not None:
        return _of_session(session, token)
    if not scope.key.startswith(_USERS):
        return None
    found = _of_user(scope.key)
    if found is None:
        raise _invalid("InvalidAccessKeyId" if scope.service == "s3" else "InvalidClientTokenId")
    return found


def _invalid(code: str = "InvalidClientTokenId") -> RefusedError:
    return RefusedError(403, code, "The security token included in the request is invalid.")


def _session(key: str) -> Any | None:
    """The session of an instance's role that an access key belongs to."""
    for account, backends in list(iam_backends.items()):
        known = backends[PARTITION].access_keys.get(key)
        if known is not None:
            profiles = backends[PARTITION].instance_profiles.values()
            if known.role_arn in {role.arn for profile in profiles for role in profile.roles}:
                return sts_backends[account][PARTITION].get_assumed_role_from_access_key(key)
    return None


def _of_session(session: Any, token: str | None) -> Caller:
    if token != session.session_token:
        raise _invalid()
    if session.expiration.replace(tzinfo=UTC) < datetime.now(UTC):
        raise RefusedError(403, "ExpiredToken", "The security token included in the request is expired")
    role = iam_backends[session.account_id][PARTITION].get_role_by_arn(session.role_arn)
    if role.permissions_boundary_arn:
        raise UnknownElementError("a permissions boundary")
    return Caller(
        session.account_id,
        session.arn,
        role.arn,
        session.user_id,
        tuple(_policies(role)),
        (json.loads(session.policy),) if session.policy else (),
        _tags(role.tags),
    )


def _of_user(key: str) -> Caller | None:
    for account, backends in list(iam_backends.items()):
        backend = backends[PARTITION]
        user = backend.get_user_from_access_key_id(key)
        if user is not None and user.get_access_key_by_id(key).status == "Active":
            groups = [group for group in backend.groups.values() if user in group.users]
            policies = [policy for each in (user, *groups) for policy in _policies(each)]
            return Caller(account, user.arn, user.arn, user.id, tuple(policies), tags=_tags(user.tags or ()))
    return None


def _tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _policies(entity: Any) -> Iterator[Any]:
    """The own policies of a role, user or group, and those attached to it."""
    for text in entity.policies.values():
        yield json.loads(text)
    for policy in entity.managed_policies.values():
        yield json.loads(next(version.document for version in policy.versions if version.is_default))
