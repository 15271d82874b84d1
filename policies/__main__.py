"""The policy pack of managed servers: assembly only. PolicyPack() serves the engine and never returns."""

from pulumi_policy import EnforcementLevel, PolicyPack
from rules import POLICIES  # type: ignore[import-not-found]  # this folder is the first entry of sys.path

PolicyPack("managed-server", policies=POLICIES, enforcement_level=EnforcementLevel.MANDATORY)
