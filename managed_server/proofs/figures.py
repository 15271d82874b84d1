"""What a server tells CloudWatch is what its alarms wait for: the same metrics, under the same dimensions.

An alarm that names one dimension more or less than its metric has never goes off, and nothing says so.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from managed_server import spec
from managed_server.model.cloudwatch import INSTANCE
from managed_server.model.limits import Figures

Names = frozenset[str]
"""Names of dimensions."""


def differences(
    limits: Figures, server: spec.ServerSpec, files: Mapping[str, bytes]
) -> Iterator[tuple[str, str]]:
    """Yield (path of the file, how it differs from the server's alarms)."""
    watched = [a for a in server.alarms if a.namespace == server.cloudwatch.agent.namespace]
    if watched:
        try:
            found = json.loads(files.get(limits.agent, b""))
        except ValueError as error:
            yield limits.agent, f"isn't JSON: {error}"
        else:
            yield from ((limits.agent, said) for said in _agent(server, watched, found))
            yield from ((limits.agent, said) for said in _logs(server, found))
    yield from ((limits.heartbeats.path, said) for said in _heartbeats(limits, server, files))


def _agent(server: spec.ServerSpec, watched: list[spec.Alarm], found: Any) -> Iterator[str]:
    metrics = found.get("metrics", {})
    if metrics.get("namespace") != server.cloudwatch.agent.namespace:
        yield f"publishes in {metrics.get('namespace')!r}, and the alarms look in {watched[0].namespace!r}"
    if metrics.get("append_dimensions") != {INSTANCE: f"${{aws:{INSTANCE}}}"}:
        yield f"adds other dimensions than {INSTANCE}: no alarm names them"
    collected = metrics.get("metrics_collected", {})
    sets = [frozenset(names) for names in metrics.get("aggregation_dimensions", [])]
    published = {
        metric: _published(server, metric, collected, sets) for metric in server.cloudwatch.agent.figures
    }
    wanted: set[tuple[str, Names]] = {
        (metric, frozenset({INSTANCE, *dict(alarm.dimensions)}))
        for alarm in watched
        for metric in alarm.metrics
    }
    for metric, names in sorted(wanted, key=lambda item: (item[0], sorted(item[1]))):
        if names not in published.get(metric, set()):
            yield f"{metric} isn't published under {_said(names)}, and an alarm waits for it there"
    for metric in sorted({m for m, sets in published.items() if sets} - {metric for metric, _ in wanted}):
        yield f"{metric} is published, and no alarm looks at it"
    for names in sorted(set(sets) - {names for _, names in wanted}, key=sorted):
        yield f"figures are put together by {_said(names)}, and no alarm names these dimensions"
    disk = collected.get("disk", {})
    if disk and disk.get("drop_device") is not True:
        yield "disks are told apart by their device, whose name changes from boot to boot"
    paths = {value for alarm in watched for name, value in alarm.dimensions if name == "path"}
    if paths != set(disk.get("resources", [])):
        yield f"measures the paths {disk.get('resources')}, and the alarms name {sorted(paths)}"
    yield from _processes(server, collected)


def _published(
    server: spec.ServerSpec, metric: str, collected: Mapping[str, Any], sets: list[Names]
) -> set[Names]:
    """Return what a metric is published under, as the agent does it: empty where it isn't measured."""
    figure = server.cloudwatch.agent.figures[metric]
    section = collected.get(figure.plugin, {})
    entries = section if isinstance(section, list) else [section]
    if not any(figure.measurement in entry.get("measurement", ()) for entry in entries):
        return set()
    own = frozenset({INSTANCE, *figure.tags})
    dropped = isinstance(section, dict) and figure.measurement in section.get("drop_original_metrics", ())
    return {names for names in sets if names < own} | (set() if dropped else {own})


def _processes(server: spec.ServerSpec, collected: Mapping[str, Any]) -> Iterator[str]:
    patterns = [str(entry.get("exe")) for entry in collected.get("procstat", [])]
    for name in server.cloudwatch.processes:
        if sum(re.search(pattern, name) is not None for pattern in patterns) != 1:
            yield f"the process {name} isn't counted once"
    if len(patterns) != len(server.cloudwatch.processes):
        yield "counts processes that the catalogue doesn't name"


def _logs(server: spec.ServerSpec, found: Any) -> Iterator[str]:
    files = found.get("logs", {}).get("logs_collected", {}).get("files", {}).get("collect_list", [])
    for file in files:
        if file.get("log_group_name") != server.cloudwatch.log_group:
            yield f"{file.get('file_path')} goes to another log group than the server's own"
    missing = sorted(set(server.cloudwatch.logs) - {file.get("file_path") for file in files})
    if missing:
        yield f"doesn't send {', '.join(missing)}"


def _heartbeats(limits: Figures, server: spec.ServerSpec, files: Mapping[str, bytes]) -> Iterator[str]:
    namespace = server.cloudwatch.heartbeat_namespace
    wanted = {alarm.metric for alarm in server.alarms if alarm.namespace == namespace}
    text = files.get(limits.heartbeats.path, b"").decode()
    told = set(re.findall(limits.heartbeats.pattern, text, re.MULTILINE))
    if wanted and namespace not in text:
        yield f"doesn't publish in {namespace}, and the alarms look there"
    for metric in sorted(wanted - told):
        yield f"doesn't tell {metric}, and an alarm waits for it"
    for metric in sorted(told - wanted):
        yield f"tells {metric}, and no alarm looks at it"


def _said(names: Names) -> str:
    return " and ".join(sorted(names))
