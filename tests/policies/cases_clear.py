"""Credentials in clear. Those here are made up, and put together so that no scanner takes them for real."""

import base64

from policy_cases import Case, fails, lacks, passes
from policy_judge import Thing
from policy_things import INSTANCE, OBJECT, PLAIN_PARAMETER, SECRET

CLEAR = "aws-no-credential-in-clear"
ACCESS_KEY = "AKIA" + "Q" * 16
TEMPORARY = "ASIA" + "7" * 16
PRIVATE_KEY = "-----BEGIN {}PRIVATE KEY" + "-----"


def holds(about: str, thing: Thing, key: str, text: str, what: str) -> Case:
    value = base64.b64encode(text.encode()).decode() if key.endswith("Base64") else text
    says = f"'{thing.name}' holds {what} in clear: {key} must not."
    return fails(CLEAR, thing.having(key, value), says=says, about=about)


CASES = [
    passes(CLEAR, INSTANCE, OBJECT, PLAIN_PARAMETER, SECRET),
    passes(CLEAR, SECRET.having("value", ACCESS_KEY), about="encrypted"),
    passes(CLEAR, OBJECT.having("contentBase64", "not base64!"), about="unreadable"),
    passes(CLEAR, PLAIN_PARAMETER.having("value", f"X{ACCESS_KEY}"), about="part of a longer word"),
    passes(CLEAR, PLAIN_PARAMETER.having("value", PRIVATE_KEY.replace("PRIVATE", "PUBLIC")), about="public"),
    holds("user data", INSTANCE, "userData", f"export KEY={ACCESS_KEY}", "an AWS access key"),
    holds("encoded user data", INSTANCE, "userDataBase64", f"KEY={TEMPORARY}\n", "an AWS access key"),
    holds("parameter", PLAIN_PARAMETER, "value", ACCESS_KEY, "an AWS access key"),
    holds("parameter, not a secret", PLAIN_PARAMETER, "insecureValue", ACCESS_KEY, "an AWS access key"),
    holds("parameter, written only", PLAIN_PARAMETER, "valueWo", PRIVATE_KEY.format(""), "a private key"),
    holds("content", OBJECT, "content", PRIVATE_KEY.format("RSA "), "a private key"),
    holds("encoded content", OBJECT, "contentBase64", PRIVATE_KEY.format(""), "a private key"),
    holds("SSH", OBJECT, "contentBase64", PRIVATE_KEY.format("OPENSSH "), "a private key"),
    holds("PGP", OBJECT, "content", "-----BEGIN PGP PRIVATE KEY " + "BLOCK-----", "a private key"),
    lacks(
        CLEAR,
        INSTANCE.without("userData"),
        OBJECT.without("contentBase64"),
        PLAIN_PARAMETER.without("value"),
        says=None,
    ),
    lacks(
        CLEAR,
        PLAIN_PARAMETER.having("value", ACCESS_KEY).without("type"),
        says="'version' holds an AWS access key in clear: value must not.",
        about="type",
    ),
]
