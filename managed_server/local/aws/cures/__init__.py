"""The gaps of moto that the project meets, and their cures: one small module each, one list.

A cure patches a named function of moto (pinned in requirements.txt). `patching` makes it fail at the start of
the server when that function is gone, or when moto has meanwhile learnt what the cure adds.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from managed_server.local.aws.cures import (
    access_analyzer,
    alarms,
    backup_plans,
    backup_selections,
    backup_tags,
    bucket_accounts,
    bucket_lock,
    burst_credits,
    conditional_deny,
    disk_key,
    elastic_addresses,
    foreign_ciphertexts,
    image_check,
    images,
    launch_options,
    lifecycle_rules,
    maintenance,
    managed_policies,
    metadata_defaults,
    metadata_options,
    metric_filters,
    monitoring,
    region_keys,
    root_volume,
    rule_descriptions,
    rule_ids,
    server_rights,
    termination,
    trail_names,
    unimplemented,
    user_credentials,
    volume_modifications,
)

OFF_VARIABLE = "MANAGED_SERVER_AWS_CURES_OFF"


class UnknownCureError(ValueError):
    """The variable that switches cures off names one that doesn't exist."""


@dataclass(frozen=True)
class Cure:
    """One gap of moto: its name in OFF_VARIABLE, the fault (the module's docstring), what cures it."""

    name: str
    fault: str
    apply: Callable[[], None]


def _cure(module: ModuleType) -> Cure:
    return Cure(module.__name__.rsplit(".", 1)[1], (module.__doc__ or "").strip(), module.apply)


CURES: tuple[Cure, ...] = tuple(
    _cure(module)
    for module in (
        access_analyzer,
        alarms,
        backup_plans,
        backup_selections,
        backup_tags,
        bucket_accounts,
        bucket_lock,
        burst_credits,
        conditional_deny,
        disk_key,
        elastic_addresses,
        foreign_ciphertexts,
        image_check,
        images,
        launch_options,
        lifecycle_rules,
        maintenance,
        managed_policies,
        metadata_defaults,
        metadata_options,
        metric_filters,
        monitoring,
        region_keys,
        root_volume,
        rule_descriptions,
        rule_ids,
        server_rights,
        termination,
        trail_names,
        unimplemented,
        user_credentials,
        volume_modifications,
    )
)


def names_off(value: str) -> frozenset[str]:
    """The cures that the value of OFF_VARIABLE names (comma separated; `all` means every one).

    Raises:
        UnknownCureError: a name that no cure has.
    """
    names = frozenset(name.strip() for name in value.split(",") if name.strip())
    known = frozenset(cure.name for cure in CURES)
    if "all" in names:
        return known
    if unknown := sorted(names - known):
        raise UnknownCureError(
            f"{OFF_VARIABLE} names no cure: {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
    return names


def apply_all() -> tuple[str, ...]:
    """Apply every cure but those that the environment switches off (tests do), and return the names applied.

    Raises:
        UnknownCureError: OFF_VARIABLE names a cure that doesn't exist.
        PatchTargetError: moto is not the version that the cures were written for.
    """
    off = names_off(os.environ.get(OFF_VARIABLE, ""))
    on = tuple(cure for cure in CURES if cure.name not in off)
    for cure in on:
        cure.apply()
    return tuple(cure.name for cure in on)
