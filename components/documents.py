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
