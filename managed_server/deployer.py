"""What a command does in a customer's account with the rights of a deploy, as the stacks do."""

from typing import Any

from managed_server.spec import CustomerSpec

_SESSION_S = 3600


def assume(
    account_id: str, region: str, role: str, session: str, given: dict[str, str], **more: str
) -> dict[str, str]:
    """Take on a role of a customer's account for an hour.

    Args:
        account_id: of the customer's servers, or of its backups.
        region: in which it is asked for.
        role: its name.
        session: what the account's log says of who it is.
        given: credentials to begin with; none for those of the environment.
        more: what else AssumeRole is told, such as a ``Policy`` that narrows the role.

    Returns:
        Credentials, as boto3's clients take them.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS refuses, or doesn't answer.
    """
    import boto3  # noqa: PLC0415 - 0.3 s, and few commands need it

    answer = boto3.client("sts", region_name=region, **given).assume_role(
        RoleArn=f"arn:aws:iam::{account_id}:role/{role}",
        RoleSessionName=session,
        DurationSeconds=_SESSION_S,
        **more,
    )["Credentials"]
    return {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer["SessionToken"],
    }


def client(customer: CustomerSpec, service: str, session: str) -> Any:
    """Return a client of a service in the customer's region, with the deploy role's rights.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: AWS refuses, or doesn't answer.
    """
    import boto3  # noqa: PLC0415

    given = assume(customer.account_id, customer.region, customer.provider.deploy_role, session, {})
    return boto3.client(service, region_name=customer.region, **given)
