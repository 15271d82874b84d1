"""Where alarms go: one topic for what wakes a person, one for what waits for working hours."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.documents import Statement, account_root, document
from components.encryption_key import EncryptionKey, EncryptionKeyArgs


@dataclass(frozen=True)
class NotificationsArgs:
    """Whose alarms, and who gets them."""

    account_id: str
    region: str
    page_email: str
    ticket_email: str


class Notifications(pulumi.ComponentResource):
    """Encrypted topics that CloudWatch of this account alone may publish to (AWS FSBP SNS.1)."""

    topics: dict[str, pulumi.Output[str]]
    """ARN of each topic, by route."""
    key_arn: pulumi.Output[str]
    """Of the key that encrypts their messages."""

    def __init__(
        self, name: str, args: NotificationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:Notifications", name, None, opts)
        key = EncryptionKey(
            f"{name}-encryption",
            EncryptionKeyArgs(
                account_id=args.account_id,
                description="Messages of alarms",
                statements=(_cloudwatch(args.account_id, "*", "kms:Decrypt", "kms:GenerateDataKey*"),),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        emails = {"page": args.page_email, "ticket": args.ticket_email}
        self.topics = {
            route: self._topic(f"{name}-{route}", args, key.arn, email) for route, email in emails.items()
        }
        self.key_arn = key.arn
        self.register_outputs({"topics": self.topics})

    def _topic(
        self, name: str, args: NotificationsArgs, key_arn: pulumi.Input[str], email: str
    ) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(name, name=name, kms_master_key_id=key_arn, tags={"Name": name}, opts=child)
        arn = f"arn:aws:sns:{args.region}:{args.account_id}:{name}"
        policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            policy=document(_account(args.account_id, arn), _cloudwatch(args.account_id, arn, "sns:Publish")),
            opts=child,
        )
        aws.sns.TopicSubscription(
            f"{name}-email", topic=topic.arn, protocol="email", endpoint=email, opts=child
        )
        # An alarm that knows the topic must find that it may publish.
        result: pulumi.Output[str] = pulumi.Output.all(topic.arn, policy.id).apply(lambda both: str(both[0]))
        return result


def _account(account_id: str, topic: str) -> Statement:
    """Leave the topic to the account, whose IAM policies decide."""
    return {
        "Sid": "Account",
        "Effect": "Allow",
        "Principal": {"AWS": account_root(account_id)},
        "Action": ["sns:GetTopicAttributes", "sns:SetTopicAttributes", "sns:Subscribe", "sns:Publish"],
        "Resource": topic,
    }


def _cloudwatch(account_id: str, resource: str, *actions: str) -> Statement:
    """Let the alarms of this account, and of no other, do something."""
    return {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": list(actions),
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
    }
