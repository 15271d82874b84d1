"""What the proofs of `managed check` show of one customer, in figures."""

from typing import Any

from managed_server import spec
from managed_server.model.contract import Priority
from managed_server.project import Project
from managed_server.proofs import lockout, retention, schedule
from managed_server.server_checks import SHARE


def priorities(customer: spec.CustomerSpec) -> list[dict[str, Any]]:
    """Return, for each server and priority, its objective and how soon checks and alarms notice a fault."""
    found = []
    for server in customer.servers:
        for response in customer.responses:
            watched = _watched(server, response.priority)
            slowest = max(watched, key=lambda item: item[1], default=("", 0))
            found.append(
                {
                    "server": server.name,
                    "priority": response.priority.value,
                    "objective": _objective(response),
                    "checks": sum(check.priority is response.priority for check in server.checks),
                    "alarms": sum(alarm.priority is response.priority for alarm in server.alarms),
                    "slowest": slowest[0],
                    "noticed_s": slowest[1] or None,
                    "budget_s": response.minutes * 60 // SHARE if response.minutes else None,
                }
            )
    return found


def _watched(server: spec.ServerSpec, priority: Priority) -> list[tuple[str, int]]:
    both: list[tuple[str, Priority, int]] = [
        *((check.name, check.priority, check.detection_s) for check in server.checks),
        *((alarm.id, alarm.priority, alarm.detection_s) for alarm in server.alarms),
    ]
    return [(name, seconds) for name, own, seconds in both if own is priority]


def _objective(response: spec.Response) -> str:
    if response.minutes is not None:
        return f"{response.minutes} min"
    if response.working_days is not None:
        return f"{response.working_days} working day{'s' if response.working_days > 1 else ''}"
    return "agreed for each request"


def statements(project: Project, customer: spec.CustomerSpec) -> dict[str, str]:
    """Return what is proven of the customer, as sentences by the proof's name."""
    found: dict[str, str] = {}
    for server in customer.servers:
        rules = [rule for rule in server.rules if rule.direction == "in"]
        open_to_all = sorted(
            {f"{rule.port}/{rule.protocol}" for rule in rules if rule.network == "0.0.0.0/0"}
        )
        where = (
            "the same in the security group and in the server's own firewall"
            if server.hosting == "aws"
            else "in the server's own firewall, which is the only one: it has no security group"
        )
        found[f"parity, {server.name}"] = (
            f"{len(server.rules)} rules, {where}; open to everybody: {', '.join(open_to_all) or 'nothing'}"
        )
        found |= _figures(server)
        found[f"schedule, {server.name}"] = _schedule(project, server)
        if retention.has_dumps(project, server):
            disk = retention.dumps_on(server)
            largest = retention.largest_database_gb(project, disk.gb, system=disk.system)
            found[f"disk, {server.name}"] = (
                f"{retention.copies(project)} dumps are kept; databases of up to {largest} GB fit on "
                f"{disk.gb} GB" + ("" if disk.system else " of the data volume")
            )
    offsite = project.limits.retention.offsite
    snapshots = [
        f"of the last {keep.daily} days and {keep.monthly} months"
        for keep in retention.kept(project).values()
    ]
    kept = " and ".join(snapshots) or "of all time"
    found["retention"] = (
        f"off-site versions are locked for {offsite.lock_days} days and removed {offsite.versions_days} days "
        f"after they were overwritten; snapshots {kept} are kept; tampering is noticed within "
        f"{offsite.notice_days} days"
    )
    found["lock-out"] = f"never blocked: {', '.join(lockout.protected(customer))}, and the server itself"
    return found


def _figures(server: spec.ServerSpec) -> dict[str, str]:
    """Return what CloudWatch is told by the server itself, and watches; nothing where it isn't on AWS."""
    own = [alarm for alarm in server.alarms if alarm.own]
    if not own:
        return {}
    waking = sum(alarm.wakes == "server" for alarm in server.alarms)
    paging = server.cloudwatch.paging
    return {
        f"figures, {server.name}": (
            f"{len({(alarm.namespace, metric) for alarm in own for metric in alarm.metrics})} of its own, "
            f"published under the dimensions that {len(own)} alarms name; {waking} alarms that wake somebody "
            f"do it by one, {paging.wait_s} s later, and not in the maintenance window"
        )
    }


def _schedule(project: Project, server: spec.ServerSpec) -> str:
    jobs, _ = schedule.spans(project, schedule.jobs(server))
    shown: dict[str, str] = {}
    for span in sorted(jobs, key=lambda span: span.begin):
        shown.setdefault(span.who, str(span).split(" ", 1)[1])
    return f"window {schedule.window(project, server)}; " + ", ".join(
        f"{who} {when}" for who, when in shown.items()
    )
