"""Regions of AWS: those whose ARNs begin with ``arn:aws:``, as all do that are written here."""

import difflib
from typing import Annotated

from pydantic import AfterValidator

from managed_server.model.types import Matching

# The partition `aws` of botocore's endpoints.json. A test holds this against it: reading it would take each
# command 0.13 s. GovCloud, China and the sovereign clouds are partitions of their own.
REGIONS = (
    *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
    *("ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4"),
    *("ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1"),
    *("eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
    *("il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2"),
    *("us-west-1", "us-west-2"),
)


class OneOf(Matching):
    """Checks that a text is one of some; the schemas for editors list them."""

    def __init__(self, known: tuple[str, ...], what: str) -> None:
        super().__init__("|".join(known), what)
        self.known = known

    def __call__(self, value: str) -> str:
        """Return the text, or raise ValueError."""
        try:
            return super().__call__(value)
        except ValueError as error:
            close = difflib.get_close_matches(value, self.known) or self.known
            raise ValueError(f"{error}; write one of {', '.join(close)}") from None


Region = Annotated[str, AfterValidator(OneOf(REGIONS, "an AWS region with ARNs of arn:aws:"))]
