"""What is said of an exception that has ended: it still holds, so that no deploy fails by the calendar."""

from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from .exceptions import granted, today


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    for one in granted(args.urn):
        if one.has_ended(today()):
            report(
                f"The exception of '{one.resource}' from {one.control} ended on {one.expires} "
                f"(owner {one.owner}: {one.reason}): put it right and take the exception out, or agree anew.",
                args.urn,
            )


EXCEPTION_ENDED = ResourceValidationPolicy(
    "policy-exception-ended",
    description="An exception that has ended should be put right, or agreed anew.",
    enforcement_level=EnforcementLevel.ADVISORY,
    severity=Severity.MEDIUM,
    framework=PolicyComplianceFramework(name="this repository", reference="exceptions"),
    remediation_steps="Make what the rule asks for and take the exception out of the stack file.",
    validate=_validate,
)
