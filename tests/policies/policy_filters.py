"""Metric filters on a trail that the rules are content with, by what they count."""

from policy_judge import Thing


def _counting(name: str, pattern: str) -> Thing:
    """A metric filter on the trail."""
    transformation = {"namespace": "acme/trail", "name": name, "value": "1"}
    props = {"pattern": pattern, "metricTransformation": transformation}
    return Thing("aws:cloudwatch/logMetricFilter:LogMetricFilter", f"filter-{name}", props)


def _events(source: str, *names: str) -> str:
    listed = " || ".join(f"($.eventName={name})" for name in names)
    return f"{{($.eventSource={source}.amazonaws.com) && ({listed})}}"


FILTERS = {
    one.name.removeprefix("filter-"): one
    for one in (
        _counting(
            "root",
            '{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && '
            '$.eventType !="AwsServiceEvent"}',
        ),
        _counting(
            "denials", '{($.errorCode="*UnauthorizedOperation") || ($.errorCode="AccessDenied*")}'
        ),
        _counting(
            "sign-ins",
            '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && '
            '($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }',
        ),
        _counting(
            "policies",
            _events(
                "iam", "DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy",
                "PutRolePolicy", "PutUserPolicy", "CreatePolicy", "DeletePolicy", "CreatePolicyVersion",
                "DeletePolicyVersion", "AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy",
                "DetachUserPolicy", "AttachGroupPolicy", "DetachGroupPolicy",
            ),
        ),
        _counting(
            "trails",
            _events(
                "cloudtrail", "CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"
            ),
        ),
        _counting(
            "failures", '{($.eventName=ConsoleLogin) && ($.errorMessage="Failed authentication")}'
        ),
        _counting("keys", _events("kms", "DisableKey", "ScheduleKeyDeletion")),
        _counting(
            "bucket-policies",
            _events(
                "s3", "PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle",
                "PutBucketReplication", "DeleteBucketPolicy", "DeleteBucketCors", "DeleteBucketLifecycle",
                "DeleteBucketReplication",
            ),
        ),
        _counting(
            "security-groups",
            _events(
                "ec2", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress",
                "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "CreateSecurityGroup",
                "DeleteSecurityGroup",
            ),
        ),
        _counting(
            "network-acls",
            _events(
                "ec2", "CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl",
                "DeleteNetworkAclEntry", "ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation",
            ),
        ),
        _counting(
            "networks",
            _events(
                "ec2", "CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection",
                "CreateVpcPeeringConnection", "DeleteVpcPeeringConnection", "RejectVpcPeeringConnection",
                "AttachClassicLinkVpc", "DetachClassicLinkVpc", "DisableVpcClassicLink",
                "EnableVpcClassicLink",
            ),
        ),
        _counting(
            "gateways",
            _events(
                "ec2", "CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway",
                "CreateInternetGateway", "DeleteInternetGateway", "DetachInternetGateway",
            ),
        ),
        _counting(
            "routes",
            _events(
                "ec2", "CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation",
                "DeleteRouteTable", "DeleteRoute", "DisassociateRouteTable",
            ),
        ),
    )
}  # fmt: skip
