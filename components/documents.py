"""IAM policy documents as plain data: statements, and the JSON text that AWS takes."""

from collections.abc import Mapping
from typing import Any

import pulumi

Statement = Mapping[str, Any]
"""One statement of a policy; its values may be outputs."""


def document(*statements: Statement) -> pulumi.Output[str]:
    """Return a policy of these statements as JSON; known at once where no value is an output."""
    text: pulumi.Output[str] = pulumi.Output.json_dumps(
        {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}
    )
    return text


def account_root(account_id: str) -> str:
    """Return the principal that stands for an account, whose own IAM policies then decide."""
    return f"arn:aws:iam::{account_id}:root"


def trust(service: str, account_id: str | None = None) -> Statement:
    """Return who may assume a role: an AWS service, on behalf of no other account where one is given."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if account_id is not None:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account_id}}
    return statement


def parameter_rights(
    sid: str, action: str, resource: Any, key_arn: pulumi.Input[str]
) -> tuple[Statement, Statement]:
    """Return the rights to read encrypted parameters: the key opens for these alone.

    Args:
        sid: name of the first statement; the second one's begins with ``Open``.
        action: ``ssm:GetParameter`` or ``ssm:GetParameters``.
        resource: ARN of the parameter, or several.
        key_arn: that they are encrypted with.
    """
    return (
        {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource},
        {
            "Sid": f"Open{sid}",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": key_arn,
            "Condition": {"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": resource}},
        },
    )


def bucket_arns(bucket: str) -> list[str]:
    """Return the ARNs of a bucket and of its objects."""
    return [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def tls_only(bucket: str) -> Statement:
    """Deny everything to whoever doesn't use TLS (AWS FSBP S3.5)."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": bucket_arns(bucket),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
