"""What is set once for an account."""

from policy_cases import fails, lacks, passes
from policy_things import ACCOUNT_BLOCK, ANALYZER, BY_DEFAULT, DOCUMENTS, METADATA, PASSWORDS, SNAPSHOTS

DISKS = "account-ebs-encrypted-by-default"
IMDS = "account-imdsv2-by-default"
BLOCKED = "account-public-access-blocked"
SNAPSHOT = "account-snapshots-not-public"
DOCUMENT = "account-documents-not-public"
PASSWORD = "account-password-policy-strong"
ANALYZED = "account-access-analyzed-from-outside"
TOKENS = "'metadata' leaves IMDSv1 on: httpTokens must be 'required'."
HOPS = "'metadata' lets metadata leave an instance: httpPutResponseHopLimit must be 1."
SHARED = "'snapshots' lets snapshots be public: state must be block-all-sharing."
PUBLIC = "'documents' lets documents be public: settingValue must be Disable."
SHORT = "Password policy 'passwords' is weak: minimumPasswordLength must be 14 or more."
REUSED = "Password policy 'passwords' is weak: passwordReusePrevention must be 24 or more."
KINDS = (
    "requireUppercaseCharacters",
    "requireLowercaseCharacters",
    "requireNumbers",
    "requireSymbols",
)
FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
SIMPLE = "Passwords of 'passwords' are too simple: {} must be true."
OPEN = "Buckets of the account may become public: {} must be true."

CASES = [
    passes(DISKS, BY_DEFAULT),
    fails(
        DISKS,
        BY_DEFAULT.having("enabled", to=False),
        says="'disks' switches encryption by default off: enabled must be true.",
    ),
    lacks(DISKS, BY_DEFAULT.without("enabled"), says=None, about="on is the default"),
    passes(IMDS, METADATA),
    fails(IMDS, METADATA.having("httpTokens", "optional"), says=TOKENS),
    fails(IMDS, METADATA.having("httpPutResponseHopLimit", 2), says=HOPS, about="hops"),
    lacks(IMDS, METADATA.without("httpTokens"), says=TOKENS),
    lacks(IMDS, METADATA.without("httpPutResponseHopLimit"), says=HOPS, about="hops"),
    passes(BLOCKED, ACCOUNT_BLOCK),
    *(
        fails(BLOCKED, ACCOUNT_BLOCK.having(flag, to=False), says=OPEN.format(flag), about=flag)
        for flag in FLAGS
    ),
    *(lacks(BLOCKED, ACCOUNT_BLOCK.without(flag), says=OPEN.format(flag), about=flag) for flag in FLAGS),
    passes(SNAPSHOT, SNAPSHOTS),
    fails(SNAPSHOT, SNAPSHOTS.having("state", "block-new-sharing"), says=SHARED),
    lacks(SNAPSHOT, SNAPSHOTS.without("state"), says=SHARED),
    passes(DOCUMENT, DOCUMENTS),
    passes(
        DOCUMENT,
        DOCUMENTS.having("settingId", "/ssm/parameter-store/high-throughput-enabled"),
        about="another",
    ),
    fails(DOCUMENT, DOCUMENTS.having("settingValue", "Enable"), says=PUBLIC),
    lacks(DOCUMENT, DOCUMENTS.without("settingValue"), says=PUBLIC),
    passes(PASSWORD, PASSWORDS),
    passes(
        PASSWORD,
        PASSWORDS.having("minimumPasswordLength", 8).having("passwordReusePrevention", 4),
        config={"passwordLength": 8, "passwordMemory": 4},
        about="config",
    ),
    fails(PASSWORD, PASSWORDS.having("minimumPasswordLength", 13), says=SHORT),
    fails(PASSWORD, PASSWORDS.having("passwordReusePrevention", 23), says=REUSED, about="memory"),
    *(
        fails(PASSWORD, PASSWORDS.having(kind, to=False), says=SIMPLE.format(kind), about=kind)
        for kind in KINDS
    ),
    *(lacks(PASSWORD, PASSWORDS.without(kind), says=SIMPLE.format(kind), about=kind) for kind in KINDS),
    lacks(PASSWORD, PASSWORDS.without("minimumPasswordLength"), says=SHORT, about="length"),
    lacks(PASSWORD, PASSWORDS.without("passwordReusePrevention"), says=REUSED, about="memory"),
    passes(ANALYZED, ANALYZER),
    passes(ANALYZED, ANALYZER.having("type", "ORGANIZATION"), about="of the organization"),
    fails(
        ANALYZED,
        ANALYZER.having("type", "ACCOUNT_UNUSED_ACCESS"),
        says="Analyzer 'analyzer' is of type ACCOUNT_UNUSED_ACCESS: it must be ACCOUNT.",
    ),
    lacks(ANALYZED, ANALYZER.without("type"), says=None, about="the account is the default"),
]
