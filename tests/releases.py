"""The Debian releases that programs are tried on."""

import pytest

RELEASES = [
    pytest.param(13, id="debian13"),
    # Twice the time for few findings: what every run looks at there are the validators.
    pytest.param(12, id="debian12", marks=pytest.mark.soak),
]
"""For fixtures of trees: the newest in every run, all in `make soak`."""
