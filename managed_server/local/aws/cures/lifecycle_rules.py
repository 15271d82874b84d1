"""S3: lifecycle rules come back without what moto doesn't model (versions kept, object sizes): never settled.

The 55 seconds that Terraform's provider takes for each create and update are its own wait, in AWS too.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any

from moto.s3.responses import S3Response

from managed_server.local.aws.cures.patching import replace, require

KEPT = "submitted_lifecycle_document"
RULE = re.compile(rb"<Rule>(?P<content>.*?)</Rule>", re.DOTALL)


def _named(rule: re.Match[bytes]) -> bytes:
    """The rule, with an id, which AWS makes where none is given."""
    content = rule["content"]
    identity = b"" if b"<ID>" in content else f"<ID>{uuid.uuid4()}</ID>".encode()
    return b"<Rule>" + identity + content + b"</Rule>"


def _remembering(put: Callable[..., Any]) -> Callable[..., Any]:
    def _bucket_response_put(self: Any, *arguments: Any, **options: Any) -> Any:
        answer = put(self, *arguments, **options)
        if "lifecycle" in self.querystring:  # moto has accepted the rules, or would have raised
            document = self.body if isinstance(self.body, bytes) else self.body.encode()
            setattr(self.backend.get_bucket(self.bucket_name), KEPT, RULE.sub(_named, document))
        return answer

    return _bucket_response_put


def _as_submitted(get: Callable[..., Any]) -> Callable[..., Any]:
    def get_bucket_lifecycle(self: Any) -> Any:
        status, headers, body = get(self)
        return status, headers, getattr(self.backend.get_bucket(self.bucket_name), KEPT, None) or body

    return get_bucket_lifecycle


def apply() -> None:
    """Answer with the rules as they were submitted, each with an id."""
    require(S3Response, "backend")
    replace(S3Response, "_bucket_response_put", _remembering)
    replace(S3Response, "get_bucket_lifecycle", _as_submitted)
