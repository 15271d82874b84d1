"""The local AWS: its cures, its faults, and that it judges as AWS does."""

import pytest

# What fails there says with what values, as it does in a test.
pytest.register_assert_rewrite(
    *(f"{__name__}.proofs_of_{what}" for what in ("machines", "rights", "storage"))
)
