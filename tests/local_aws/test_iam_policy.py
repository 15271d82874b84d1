"""Which requests policies allow; the examples are IAM's own rules."""

import pytest

from managed_server.local.aws.iam_policy import Request, UnknownElementError, allowed

ROLE = "arn:aws:iam::111111111111:role/web1"
SESSION = "arn:aws:sts::111111111111:assumed-role/web1/i-1"
NAMES = (SESSION, ROLE, "arn:aws:iam::111111111111:root", "111111111111")


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action="s3:GetObject", resource="arn:aws:s3:::b/web1/*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def get(key="web1/x", action="s3:GetObject", **context):
    keys = {name.replace("__", ":").replace("_", "-"): value for name, value in context.items()}
    return Request(action, f"arn:aws:s3:::b/{key}", NAMES, keys)


@pytest.mark.parametrize(
    ("statement", "request_", "expected"),
    [
        (allow(), get(), True),
        (allow(), get("web2/x"), False),
        (allow(), get("web1"), False),
        (allow(), get(action="s3:DeleteObject"), False),
        (allow("S3:getobject"), get(), True),
        (allow(["s3:Put*", "s3:Get*"]), get(), True),
        (allow(resource="arn:aws:s3:::B/web1/*"), get(), False),
        (allow(resource="arn:aws:s3:::b/web?/x"), get(), True),
        (allow(resource="arn:aws:s3:::b/web1/[x]"), get(), False),
        ({"Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "*"}, get(), True),
        ({"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}, get(), False),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/web1/*"}, get(), False),
        (allow(resource="arn:aws:s3:::b/${aws:UserId}/*"), get(aws__userid="web1"), True),
        (allow(resource="arn:aws:s3:::b/${aws:UserId}/*"), get(), False),
        (allow(Condition={"StringLike": {"s3:prefix": ["web1/", "web1/*"]}}), get(s3__prefix="web1/a"), True),
        (allow(Condition={"StringLike": {"s3:prefix": ["web1/", "web1/*"]}}), get(s3__prefix="web2/"), False),
        (allow(Condition={"StringLike": {"s3:prefix": "web1/*"}}), get(), False),
        (allow(Condition={"StringEqualsIfExists": {"s3:prefix": "web1/"}}), get(), True),
        (allow(Condition={"StringNotEquals": {"s3:prefix": ["a", "b"]}}), get(s3__prefix="b"), False),
        (allow(Condition={"StringNotEquals": {"s3:prefix": ["a", "b"]}}), get(), True),
        (allow(Condition={"Null": {"S3:Prefix": "true"}}), get(), True),
        (allow(Condition={"Null": {"s3:prefix": False}}), get(), False),
        (allow(Condition={"Bool": {"aws:SecureTransport": True}}), get(aws__securetransport="true"), True),
        (allow(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}), get(), True),
    ],
)  # fmt: skip
def test_statement(statement, request_, expected):
    assert allowed(request_, [document(statement)]) is expected


def test_a_deny_wins_wherever_it_stands():
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    assert not allowed(get(), [document(allow()), document(deny)])
    assert not allowed(get(), [document(allow())], document({**deny, "Principal": "*"}))
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    assert allowed(
        get(aws__securetransport="true"),
        [document(allow())],
        document({**deny, "Principal": "*", "Condition": condition}),
    )


def by(principal):
    return document({**allow(), "Principal": principal})


def test_a_bucket_of_the_own_account_lets_in_who_it_names():
    assert allowed(get(), [], by({"AWS": ROLE}))
    assert allowed(get(), [], by("*"))
    assert not allowed(get(), [], by({"AWS": "arn:aws:iam::111111111111:root"})), "that leaves it to IAM"
    assert not allowed(get(), [], by({"Service": "s3.amazonaws.com"}))


def test_a_bucket_of_another_account_and_the_role_must_both_allow():
    named = by({"AWS": ["arn:aws:iam::222222222222:root", "arn:aws:iam::111111111111:root"]})
    assert allowed(get(), [document(allow())], named, both=True)
    assert not allowed(get(), [], named, both=True)
    assert not allowed(get(), [document(allow())], by({"AWS": "222222222222"}), both=True)
    assert not allowed(get(), [document(allow())], None, both=True)


def test_what_is_unknown_is_an_error():
    with pytest.raises(UnknownElementError, match="DateLessThan"):
        allowed(get(), [document(allow(Condition={"DateLessThan": {"aws:CurrentTime": "2026-01-01"}}))])
    with pytest.raises(UnknownElementError, match="NotPrincipal"):
        allowed(get(), [], document({**allow(), "NotPrincipal": "*"}))
