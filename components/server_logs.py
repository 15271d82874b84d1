"""Where a server's logs are kept in CloudWatch."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.documents import Statement


@dataclass(frozen=True)
class ServerLogsArgs:
    """Whose logs, in which group, and for how long."""

    server: str
    group: str
    days: int


class ServerLogs(pulumi.ComponentResource):
    """A log group; the agent makes a stream in it for each file, and can't say how long they are kept."""

    def __init__(self, name: str, args: ServerLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:ServerLogs", name, None, opts)
        aws.cloudwatch.LogGroup(
            f"{name}-group",
            name=args.group,
            retention_in_days=args.days,
            tags={"Name": f"{name}-group", "server": args.server},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def log_statements(region: str, account_id: str, group: str) -> tuple[Statement, ...]:
    """Return what a server may do in its log group: add to it, and see which streams there are."""
    arn = f"arn:aws:logs:{region}:{account_id}:log-group:{group}"
    return (
        {
            "Sid": "OwnLogs",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": [arn, f"{arn}:log-stream:*"],
        },
    )
