"""CloudWatch Logs: a metric filter that is put again stands twice; in AWS it replaces the one of its name."""

from collections.abc import Callable
from typing import Any

from moto.logs.metric_filters import MetricFilters

from managed_server.local.aws.cures.patching import replace, require


def _replacing(put: Callable[..., None]) -> Callable[..., None]:
    def add_filter(
        self: Any, filter_name: str, filter_pattern: str, log_group_name: str, metric_transformations: Any
    ) -> None:
        self.delete_filter(filter_name, log_group_name)
        put(self, filter_name, filter_pattern, log_group_name, metric_transformations)

    return add_filter


def apply() -> None:
    """Take away what has the name already."""
    require(MetricFilters, "delete_filter")
    replace(MetricFilters, "add_filter", _replacing)
