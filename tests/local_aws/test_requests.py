"""What a request asks for, in IAM's words."""

import json

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from managed_server.local.aws.requests import Credential, asked, credential

ACCOUNT = "111111111111"
DELETE = b"""<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<Object><Key>a</Key></Object><Object><Key>b/c</Key><VersionId>1</VersionId></Object></Delete>"""


def ask(method, url, service="s3", body=b"", **headers):
    made = EnvironBuilder(
        method=method,
        path=url,
        data=body,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    scope = Credential("ASIAEXAMPLE", "eu-west-2", service)
    return [(found.action, found.resource) for found in asked(Request(made.get_environ()), scope, ACCOUNT)]


@pytest.mark.parametrize(
    ("method", "url", "headers", "expected"),
    [
        ("GET", "/", {}, ["ListAllMyBuckets *"]),
        ("GET", "/b", {}, ["ListBucket b"]),
        ("GET", "/b/?list-type=2&prefix=a%2F&max-keys=2", {}, ["ListBucket b"]),
        ("HEAD", "/b", {}, ["ListBucket b"]),
        ("GET", "/b?location", {}, ["GetBucketLocation b"]),
        ("GET", "/b?versions&prefix=x", {}, ["ListBucketVersions b"]),
        ("PUT", "/b?object-lock", {}, ["PutBucketObjectLockConfiguration b"]),
        ("PUT", "/b?intelligent-tiering&id=x", {}, ["PUT id intelligent-tiering b"]),
        ("GET", "/b/a%20b/c?x-id=GetObject", {}, ["GetObject b/a b/c"]),
        ("GET", "/b/k?versionId=1", {}, ["GetObjectVersion b/k"]),
        ("GET", "/b/k?retention&versionId=1", {}, ["GetObjectRetention b/k"]),
        ("PUT", "/b/k", {}, ["PutObject b/k"]),
        ("PUT", "/b/k?partNumber=1&uploadId=x", {}, ["PutObject b/k"]),
        ("PUT", "/b/k?retention", {}, ["PutObjectRetention b/k"]),
        ("PUT", "/b/k?legal-hold", {}, ["PutObjectLegalHold b/k"]),
        (
            "PUT",
            "/b/k",
            {"x_amz_object_lock_mode": "GOVERNANCE"},
            ["PutObject b/k", "PutObjectRetention b/k"],
        ),
        ("PUT", "/b/k", {"x_amz_copy_source": "/c/s%2F1"}, ["PutObject b/k", "GetObject c/s/1"]),
        ("PUT", "/b/k", {"x_amz_copy_source": "c/s?versionId=1"}, ["PutObject b/k", "GetObjectVersion c/s"]),
        ("DELETE", "/b/k", {}, ["DeleteObject b/k"]),
        ("DELETE", "/b/k?uploadId=x", {}, ["AbortMultipartUpload b/k"]),
        (
            "DELETE",
            "/b/k?versionId=1",
            {"x_amz_bypass_governance_retention": "true"},
            ["DeleteObjectVersion b/k", "BypassGovernanceRetention b/k"],
        ),
    ],
)
def test_s3(method, url, headers, expected):
    found = ask(method, url, **headers)
    assert [f"{a.removeprefix('s3:')} {r.removeprefix('arn:aws:s3:::')}" for a, r in found] == expected


def test_s3_deletes_of_many():
    assert ask("POST", "/b?delete", body=DELETE) == [
        ("s3:DeleteObject", "arn:aws:s3:::b/a"),
        ("s3:DeleteObjectVersion", "arn:aws:s3:::b/b/c"),
    ]


@pytest.mark.parametrize(
    ("service", "target", "parameters", "expected"),
    [
        ("ssm", "AmazonSSM.GetParameter", {"Name": "/a/b"}, ["ssm:GetParameter :ssm:parameter/a/b"]),
        (
            "ssm",
            "AmazonSSM.GetParameters",
            {"Names": ["a", "/b"]},
            ["ssm:GetParameters :ssm:parameter/a", "ssm:GetParameters :ssm:parameter/b"],
        ),
        ("kms", "TrentService.Decrypt", {"KeyId": "k"}, ["kms:Decrypt :kms:key/k"]),
        ("kms", "TrentService.Decrypt", {"CiphertextBlob": ""}, ["kms:Decrypt *"]),
        (
            "monitoring",
            "GraniteServiceVersion20100801.PutMetricData",
            {"Namespace": "n"},
            ["cloudwatch:PutMetricData *"],
        ),
    ],
)
def test_json(service, target, parameters, expected):
    found = ask("POST", "/", service, json.dumps(parameters).encode(), X_Amz_Target=target)
    short = f"arn:aws:{service}:eu-west-2:{ACCOUNT}:"
    assert [f"{action} {resource.replace(short, f':{service}:')}" for action, resource in found] == expected


def test_forms_and_others():
    role = "arn:aws:iam::111111111111:role/r"
    assert ask("POST", "/", "sts", f"Action=AssumeRole&RoleArn={role}".encode()) == [("sts:AssumeRole", role)]
    assert ask("POST", "/", "ec2", b"Action=DescribeInstances&Version=2016-11-15") == [
        ("ec2:DescribeInstances", "*")
    ]
    assert ask("POST", "/service/X/operation/PutMetricData", "monitoring") == [
        ("cloudwatch:PutMetricData", "*")
    ]
    assert ask("GET", "/plans", "backup") == [("backup:GET /plans", "*")]


def test_credential():
    scope = "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260101/eu-west-2/s3/aws4_request"
    assert credential(f"{scope}, SignedHeaders=host, Signature=0") == Credential(
        "ASIAEXAMPLE", "eu-west-2", "s3"
    )
    assert credential("Bearer x") is None


def test_figures_are_told_in_a_namespace():
    body = b"Action=PutMetricData&Namespace=ManagedServer%2FHub&MetricData.member.1.MetricName=x"
    made = EnvironBuilder(method="POST", path="/", data=body)
    scope = Credential("ASIAEXAMPLE", "eu-west-2", "monitoring")
    [found] = asked(Request(made.get_environ()), scope, ACCOUNT)
    assert (found.action, found.resource) == ("cloudwatch:PutMetricData", "*")
    assert found.context == {"cloudwatch:namespace": "ManagedServer/Hub"}
