"""What a request to AWS asks for, in the words of IAM: actions and resources, read from the HTTP request.

Services whose actions know no resources, or that no server of this project asks, have the resource `*`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree as ET

_CREDENTIAL = re.compile(r"Credential=([A-Z0-9]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


class Credential(NamedTuple):
    """Of a signed request."""

    key: str
    region: str
    service: str
    """As in a signature; mostly IAM's prefix of actions."""


@dataclass(frozen=True)
class Asked:
    """One action on one resource."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    """Condition keys of the service, in lower case."""
    bucket: str = ""
    """Whose policy counts as well."""
    role: str = ""
    """ARN of the role to assume, whose trust policy counts as well."""


def credential(header: str) -> Credential | None:
    """Read an Authorization header; None if it is none of signature version 4."""
    found = _CREDENTIAL.search(header)
    return Credential(found[1], found[2], found[3]) if found else None


def asked(request: Any, scope: Credential, account: str) -> list[Asked]:
    """All that a request (of Flask) asks for; each must be allowed."""
    if scope.service == "s3":
        return _s3(request)
    action, parameters = _call(request)
    prefix = _PREFIXES.get(scope.service, scope.service)
    place = f"{scope.region}:{account}"
    resources = _RESOURCES[scope.service](parameters, place) if scope.service in _RESOURCES else []
    role = str(parameters.get("RoleArn", "")) if action == "AssumeRole" else ""
    context = {}
    if prefix == "cloudwatch" and isinstance(parameters.get("Namespace"), str):
        context["cloudwatch:namespace"] = parameters["Namespace"]
    return [Asked(f"{prefix}:{action}", resource, context, role=role) for resource in resources or ["*"]]


def _call(request: Any) -> tuple[str, dict[str, Any]]:
    """Action and parameters, in a protocol with one URL for all; in others the action has no name here."""
    body = request.get_data()
    target = request.headers.get("X-Amz-Target")
    if target:
        return target.rpartition(".")[2], json.loads(body or b"{}")
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    if "Action" in form:
        return form["Action"], form
    path = re.fullmatch(r"/service/[^/]+/operation/(\w+)", request.path)  # Smithy RPC v2
    return (path[1] if path else f"{request.method} {request.path}"), {}


# IAM's prefix where the signature has another name.
_PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}


def _ssm(parameters: dict[str, Any], place: str) -> list[str]:
    names = [parameters["Name"]] if "Name" in parameters else parameters.get("Names", [])
    if "Path" in parameters:
        names = [parameters["Path"].rstrip("/") + "/"]
    return [
        name if name.startswith("arn:") else f"arn:aws:ssm:{place}:parameter/{name.lstrip('/')}"
        for name in names
    ]


def _kms(parameters: dict[str, Any], place: str) -> list[str]:
    key = parameters.get("KeyId", "")
    if not key or key.startswith("arn:"):
        return [key] if key else []
    return [f"arn:aws:kms:{place}:{'' if key.startswith('alias/') else 'key/'}{key}"]


def _logs(parameters: dict[str, Any], place: str) -> list[str]:
    name, stream = parameters.get("logGroupName"), parameters.get("logStreamName")
    end = f"log-stream:{stream}" if stream else ""
    return [f"arn:aws:logs:{place}:log-group:{name}:{end}"] if name else []


def _iam(parameters: dict[str, Any], place: str) -> list[str]:
    """Of IAM, a server asks for its own user's keys alone; IAM is in no region."""
    account = place.rpartition(":")[2]
    return [f"arn:aws:iam::{account}:user/{parameters['UserName']}"] if "UserName" in parameters else []


def _arn(name: str) -> Callable[[dict[str, Any], str], list[str]]:
    return lambda parameters, _place: [parameters[name]] if name in parameters else []


_RESOURCES: dict[str, Callable[[dict[str, Any], str], list[str]]] = {
    "iam": _iam,
    "ssm": _ssm,
    "kms": _kms,
    "logs": _logs,
    "sns": _arn("TopicArn"),
    "sts": _arn("RoleArn"),
}

# S3: the service authorization reference, by method and by the word in the query that names a part of the
# object or bucket. What is not listed has no action that a policy could name, and is refused.
_OBJECT = {
    ("GET", ""): "GetObject",
    ("HEAD", ""): "GetObject",
    ("GET", "versionId"): "GetObjectVersion",
    ("HEAD", "versionId"): "GetObjectVersion",
    ("GET", "acl"): "GetObjectAcl",
    ("GET", "attributes"): "GetObjectAttributes",
    ("GET", "legal-hold"): "GetObjectLegalHold",
    ("GET", "retention"): "GetObjectRetention",
    ("GET", "tagging"): "GetObjectTagging",
    ("GET", "uploadId"): "ListMultipartUploadParts",
    ("PUT", ""): "PutObject",
    ("PUT", "acl"): "PutObjectAcl",
    ("PUT", "legal-hold"): "PutObjectLegalHold",
    ("PUT", "retention"): "PutObjectRetention",
    ("PUT", "tagging"): "PutObjectTagging",
    ("PUT", "uploadId"): "PutObject",
    ("POST", "uploads"): "PutObject",
    ("POST", "uploadId"): "PutObject",
    ("POST", "restore"): "RestoreObject",
    ("DELETE", ""): "DeleteObject",
    ("DELETE", "versionId"): "DeleteObjectVersion",
    ("DELETE", "tagging"): "DeleteObjectTagging",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
_BUCKET = {
    ("GET", ""): "ListBucket",
    ("HEAD", ""): "ListBucket",
    ("GET", "location"): "GetBucketLocation",
    ("GET", "versions"): "ListBucketVersions",
    ("GET", "uploads"): "ListBucketMultipartUploads",
    ("GET", "acl"): "GetBucketAcl",
    ("GET", "encryption"): "GetEncryptionConfiguration",
    ("GET", "lifecycle"): "GetLifecycleConfiguration",
    ("GET", "object-lock"): "GetBucketObjectLockConfiguration",
    ("GET", "policy"): "GetBucketPolicy",
    ("GET", "tagging"): "GetBucketTagging",
    ("GET", "versioning"): "GetBucketVersioning",
    ("PUT", ""): "CreateBucket",
    ("PUT", "acl"): "PutBucketAcl",
    ("PUT", "encryption"): "PutEncryptionConfiguration",
    ("PUT", "lifecycle"): "PutLifecycleConfiguration",
    ("PUT", "object-lock"): "PutBucketObjectLockConfiguration",
    ("PUT", "policy"): "PutBucketPolicy",
    ("PUT", "tagging"): "PutBucketTagging",
    ("PUT", "versioning"): "PutBucketVersioning",
    ("DELETE", ""): "DeleteBucket",
    ("DELETE", "lifecycle"): "PutLifecycleConfiguration",
    ("DELETE", "policy"): "DeleteBucketPolicy",
    ("DELETE", "tagging"): "PutBucketTagging",
}
# Words in a query that name no part.
_OPTIONS = re.compile(
    r"list-type|prefix|delimiter|marker|max-.+|continuation-token|start-after|fetch-owner|encoding-type|partNumber"
    r"|key-marker|version-id-marker|upload-id-marker|part-number-marker|x-id|response-.+"
)
# What a header asks for besides.
_HEADERS = {
    "x-amz-acl": "PutObjectAcl",
    "x-amz-object-lock-legal-hold": "PutObjectLegalHold",
    "x-amz-object-lock-mode": "PutObjectRetention",
    "x-amz-object-lock-retain-until-date": "PutObjectRetention",
    "x-amz-tagging": "PutObjectTagging",
}


def _s3(request: Any) -> list[Asked]:
    """Path style: the bucket comes first in the path, as for every client of an address without a name."""
    bucket, _, key = request.path.removeprefix("/").partition("/")
    words = {name for name in request.args if not _OPTIONS.fullmatch(name)}
    context = {f"s3:{name}": request.args[name] for name in ("prefix", "delimiter") if name in request.args}
    context |= {
        f"s3:{name.lower()}": value for name, value in request.headers if name.lower().startswith("x-amz-")
    }
    if not bucket:
        return [Asked("s3:ListAllMyBuckets", "*")]
    arn = f"arn:aws:s3:::{bucket}"

    def one(action: str, resource: str, of: str = bucket) -> Asked:
        return Asked(f"s3:{action}", resource, context, of)

    if not key:
        if request.method == "POST" and words == {"delete"}:
            found = [
                one("DeleteObjectVersion" if version else "DeleteObject", f"{arn}/{name}")
                for name, version in _deleted(request.get_data())
            ]
            return found + _bypass(
                request, [one("BypassGovernanceRetention", item.resource) for item in found]
            )
        return [one(_action(_BUCKET, request.method, words), arn)]
    found = [one(_action(_OBJECT, request.method, words), f"{arn}/{key}")]
    for header, action in _HEADERS.items():
        if header in request.headers:
            found.append(one(action, f"{arn}/{key}"))
    source = request.headers.get("x-amz-copy-source")
    if source:
        path, _, version = unquote(source).removeprefix("/").partition("?versionId=")
        of = path.partition("/")[0]
        found.append(one("GetObjectVersion" if version else "GetObject", f"arn:aws:s3:::{path}", of))
    return found + _bypass(request, [one("BypassGovernanceRetention", f"{arn}/{key}")])


def _action(table: dict[tuple[str, str], str], method: str, words: set[str]) -> str:
    """The action of a request; one that is in no policy where the table has none."""
    for word in sorted(words - {"versionId"}) or (["versionId"] if words else [""]):
        if (method, word) in table:
            return table[method, word]
    return f"{method} {' '.join(sorted(words))}"


def _bypass(request: Any, actions: list[Asked]) -> list[Asked]:
    return actions if request.headers.get("x-amz-bypass-governance-retention", "").lower() == "true" else []


def _deleted(body: bytes) -> list[tuple[str, str]]:
    """Keys and versions in a DeleteObjects; AWS refuses each by itself, here they go together."""
    found = []
    for element in ET.fromstring(body).iter():  # noqa: S314 - the boxes' own requests
        if element.tag.rpartition("}")[2] == "Object":
            parts = {part.tag.rpartition("}")[2]: part.text or "" for part in element}
            found.append((parts.get("Key", ""), parts.get("VersionId", "")))
    return found
