"""The base of every model: unknown keys are errors, and nothing changes after loading."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

Int = StrictInt
Bool = StrictBool
PositiveInt = Annotated[StrictInt, Field(ge=1)]


class Model(BaseModel):
    """A part of an input file: frozen, unknown keys refused; numbers are never guessed from text."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Nothing changes in it. Pydantic copies defaults that it can't hash, at each use of each model."""
        return self
