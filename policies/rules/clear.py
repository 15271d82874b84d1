"""Rules on what anybody may read who sees a resource: no credential stands there."""

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path

import pulumi
from pulumi_policy import Severity

from .base import Finding, Resource, Rule, Source, Undecided, Violation, resource_rule
from .compute import INSTANCE
from .reading import UNKNOWN

PROJECT = Path(__file__).parents[2]
"""What a relative path of a file asset begins at."""
_PARAMETER = "aws:ssm/parameter:Parameter"
_OBJECTS = ("aws:s3/bucketObject:BucketObject", "aws:s3/bucketObjectv2:BucketObjectv2")
_PLACES = {
    INSTANCE: ("userData", "userDataBase64"),
    _PARAMETER: ("value", "insecureValue", "valueWo"),
    **dict.fromkeys(_OBJECTS, ("content", "contentBase64", "source")),
}
# What can't be taken for something else; a password looks like any text.
_CREDENTIALS = {
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    # IAM user guide, Identifiers, "Unique identifiers": AKIA are keys of users, ASIA temporary ones.
    "an AWS access key": re.compile(rb"(?<![A-Z0-9])A[KS]IA[A-Z2-7]{16}(?![A-Z0-9])"),
}


@resource_rule(
    "aws-no-credential-in-clear",
    types=tuple(_PLACES),
    description="No private key or access key must stand in user data, objects or plain parameters.",
    severity=Severity.CRITICAL,
    source=Source(
        "Amazon EC2 User Guide",
        "user data",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html",
    ),
    remediation="Put it into a SecureString, and let the machine fetch it by its role.",
)
def no_credential_in_clear(resource: Resource) -> Iterator[Finding]:
    """User data is open to every process of a machine, and to whoever may describe instances."""
    if resource.at("type") == "SecureString":
        return
    for key in _PLACES[resource.type]:
        value = resource.at(key)
        if value is UNKNOWN:
            yield Undecided(key)
            continue
        try:
            text = _plain(value, encoded=key.endswith("Base64"))
        except OSError as error:
            yield Violation(f"'{resource.name}' can't be looked into: {key} can't be read ({error}).")
            continue
        for what, pattern in _CREDENTIALS.items():
            if pattern.search(text):
                yield Violation(f"'{resource.name}' holds {what} in clear: {key} must not.")


def _plain(value: object, *, encoded: bool) -> bytes:
    if isinstance(value, pulumi.FileAsset):
        return (PROJECT / value.path).read_bytes()
    if isinstance(value, pulumi.StringAsset):
        value = value.text
    elif isinstance(value, pulumi.Asset | pulumi.Archive):
        raise OSError(f"it is a {type(value).__name__}, not a file")
    text = value.encode() if isinstance(value, str) else b""
    if not encoded:
        return text
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return text


RULES: list[Rule] = [no_credential_in_clear]
