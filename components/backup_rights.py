"""A server's rights to its own backups, wherever they are said: in its role, and in the bucket's policy."""

from components.documents import Statement


def own_backups(bucket: str, prefix: str) -> tuple[Statement, ...]:
    """Return the rights to a server's own part of the bucket: it adds and reads, and no version goes.

    It reads earlier versions, by which a restore finds what was there before it was written over. The only
    things that it may delete are the locks of its own repository, which hold no data; of them, as of
    everything else, earlier versions stay.

    Args:
        bucket: its ARN.
        prefix: of the server's keys, with the slash.
    """
    return (
        {
            "Sid": "OwnBackups",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            "Resource": f"{bucket}/{prefix}*",
        },
        {
            "Sid": "UnlockOwnBackups",
            "Effect": "Allow",
            "Action": "s3:DeleteObject",
            "Resource": f"{bucket}/{prefix}locks/*",
        },
        {"Sid": "FindBackups", "Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": bucket},
        {
            "Sid": "ListOwnBackups",
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:ListBucketVersions"],
            "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": [prefix, f"{prefix}*"]}},
        },
    )
