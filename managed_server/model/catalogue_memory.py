"""How much memory an entry's processes take: all of a server's together must fit into it."""

from pydantic import Field, model_validator

from managed_server.model.base import Int, Model
from managed_server.model.conditions import When
from managed_server.model.types import Text


class Memory(Model):
    """What processes take as they are set: ``count`` times ``mb``, or a part of the server's memory."""

    purpose: Text = Field(description="what it is for, as a person reads it beside the figure")
    mb: Int = Field(default=0, ge=0, description="MiB of each; 0 takes a `part`")
    count: Int = Field(default=1, ge=0, description="how many there are")
    at_once_percent: Int = Field(default=100, ge=1, le=100, description="how much of that is taken at a time")
    part: Int | None = Field(
        default=None, ge=1, description="where mb is 0: one in so many of the server's memory"
    )
    min_mb: Int = Field(default=0, ge=0, description="the least that a part comes to (MiB)")
    max_mb: Int | None = Field(default=None, ge=1, description="the most that a part comes to (MiB)")
    when: When = When()

    @model_validator(mode="after")
    def _says_something(self) -> "Memory":
        if not self.mb and self.part is None:
            raise ValueError("write mb, part, or both")
        return self

    def taken_mb(self, memory_mb: int) -> int:
        """How much it is (MiB) on a server with this much memory (MiB)."""
        each = self.mb
        if not each and self.part is not None:
            each = max(memory_mb // self.part, self.min_mb)
            each = min(each, self.max_mb or each)
        return self.count * each * self.at_once_percent // 100
