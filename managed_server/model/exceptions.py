"""Exceptions from the policies, and the list of the policies that they are held against."""

from typing import Annotated, Literal

from pydantic import Field

from managed_server.model.base import Model
from managed_server.model.fulfilment import AwsType
from managed_server.model.types import Date, Email, Text


class PolicyException(Model):
    """What one resource of a customer is let off, by whom, why and until when."""

    control: Text = Field(description="a control of Security Hub, such as EC2.8, or the name of a rule")
    resource: Text = Field(description="its name in the stack, such as acme-web1-instance")
    reason: Text
    owner: Email = Field(description="who answers for it, and puts it right")
    expires: Date = Field(description="the last day on which it holds without a warning")


class Rule(Model):
    """A rule of the policies, as far as exceptions go."""

    severity: Literal["critical", "high", "medium", "low"]
    controls: tuple[Text, ...] = Field(description="of Security Hub; none for a rule of our own")
    types: tuple[AwsType | Literal["*"], ...] = Field(description="what it judges; *: every AWS resource")


class Rules(Model):
    """``policies/rules.yaml``, which ``policies/table.py`` writes."""

    rules: Annotated[dict[str, Rule], Field(min_length=1)]

    def named(self, control: str) -> tuple[Rule, ...]:
        """Return the rules that a control, or a rule's own name, stands for."""
        return tuple(rule for name, rule in self.rules.items() if control == name or control in rule.controls)

    @property
    def names(self) -> tuple[str, ...]:
        """Whatever an exception may name."""
        controls = {control for rule in self.rules.values() for control in rule.controls}
        return (*sorted(controls), *sorted(self.rules))
