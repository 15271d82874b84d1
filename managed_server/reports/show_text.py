"""A customer, as ``managed show`` prints it for people."""

from collections.abc import Iterator, Sequence
from typing import Any

from managed_server.reports.output import console, table

Line = str | tuple[tuple[str, ...], Sequence[tuple[str, ...]]]
"""A line of text, or a table: its columns and rows."""


def print_customer(found: dict[str, Any]) -> None:
    """Print what ``customer_data`` returned."""
    out = console()
    out.print(f"{found['name']} ({found['customer']}): {found['service']}", style="bold", markup=False)
    for title, lines in _parts(found):
        if title:
            out.print(f"\n{title}", style="bold", markup=False)
        for line in lines:
            if isinstance(line, str):
                out.print(line, markup=False, soft_wrap=True)
            else:
                out.print(table(*line))


def _parts(found: dict[str, Any]) -> Iterator[tuple[str, Iterator[Line]]]:
    yield "", _head(found)
    for server in found["servers"]:
        yield f"Server {server['name']}", _server(server)
    yield "Who may log in, on every server", _users(found["users"])
    for server in found["servers"]:
        yield f"What of {server['name']} can be reached", _ports(server["ports"])
    if found["exceptions"]:
        yield "What is let off of the policies", _exceptions(found["exceptions"])
    if found["cost"] is None:
        yield "Cost", iter(["nothing is charged: it is the provider's own"])
    else:
        yield f"Cost, taxes {found['cost']['taxes']}", _cost(found["cost"], found["term"]["months"])
    yield "How soon a ticket is answered", _objectives(found)
    yield "Term", _term(found["term"])


def _head(found: dict[str, Any]) -> Iterator[Line]:
    yield f"stack file  {found['stack_file']}"
    yield f"account     {found['account_id']}, {found['region']}; backups in {found['backup_region']}"
    yield f"watched by  {found['hub']}{', itself' if found['runs_hub'] else ''}"
    if found["retiring"]:
        yield f"retiring    {', '.join(found['retiring'])}: not charged any more"
    for of in found["contacts"]:
        yield f"contact     {', '.join(part for part in (of['name'], of['email'], of['phone']) if part)}"


def _server(server: dict[str, Any]) -> Iterator[Line]:
    window = server["maintenance"]
    what = f"{server['vcpus']} processors, {server['memory_mb']} MiB"
    if server["instance_type"]:
        what = f"{server['instance_type']} ({what})"
    where = f"on {server['hosting']}"
    if server["address"]:
        where = f"hosted {server['hosting']}, at {server['address']}"
    if server["private_address"]:
        where += f" (its peers: {server['private_address']})"
    debian = f"Debian {server['debian']} ({server['codename']})"
    disks = f"{server['disk_gb']} GB"
    if server["data_gb"]:
        disks += f" and {server['data_gb']} GB for data"
    yield f"machine     {what}, {disks}, {debian}, {where}"
    yield f"window      {window['day']} {window['time']} UTC, reboot {window['reboot']}"
    if server["sites"]:
        yield f"sites       {', '.join(server['sites'])}"
    if server["pin"]:
        yield f"pinned      to bundle {server['pin']}: no change reaches it"
    rows = [
        (of["title"], _coverage(of), of["end_of_life"] + (" (past)" if of["past"] else ""))
        if of["end_of_life"]
        else (of["title"], _coverage(of), "-")
        for of in server["software"]
    ]
    rows += [(name, "outside the SLA: unsupported package", "-") for name in server["unsupported_packages"]]
    yield ("software", "coverage", "end of life"), rows
    yield (
        ("tool", "what it is for"),
        [(of["title"] + _by_hand(of), "; ".join(of["fulfils"].values())) for of in server["tools"]],
    )


def _coverage(software: dict[str, Any]) -> str:
    words = f"SLA: {software['coverage']}" if software["in_sla"] else software["coverage"]
    return str(words) + _by_hand(software)


def _by_hand(entry: dict[str, Any]) -> str:
    return "" if entry["installable"] else " (installed by hand)"


def _exceptions(exceptions: list[dict[str, Any]]) -> Iterator[Line]:
    yield (
        ("control", "resource", "until", "owner", "reason"),
        [
            (
                one["control"],
                one["resource"],
                one["expires"] + (" (over)" if one["expired"] else ""),
                one["owner"],
                one["reason"],
            )
            for one in exceptions
        ],
    )


def _users(users: list[dict[str, Any]]) -> Iterator[Line]:
    if not users:
        yield "nobody"
        return
    yield (
        ("user", "rights", "keys", "expires"),
        [
            (
                user["name"],
                "administrator (full sudo)" if user["admin"] else "user",
                str(user["keys"]),
                (user["expires"] or "never") + (" (expired: locked)" if user["expired"] else ""),
            )
            for user in users
        ],
    )


def _ports(ports: list[dict[str, Any]]) -> Iterator[Line]:
    yield (
        ("port", "for", "from", "purpose"),
        [
            (
                f"{of['port']}/{of['protocol']}",
                ", ".join(of["reach"]),
                ", ".join([*of["networks"], *(f"server {peer}" for peer in of["peers"])]),
                of["purpose"],
            )
            for of in ports
        ],
    )


def _cost(cost: dict[str, Any], months: int) -> Iterator[Line]:
    def money(amount: int) -> str:
        return f"{cost['currency']} {amount:,}"

    yield f"{money(cost['set_up']['amount'])}  {cost['set_up']['text']}"
    for server, amount in cost["monthly"]["servers"].items():
        yield f"{money(amount)}  a month for {server}"
    yield f"{money(cost['monthly']['amount'])}  a month in all"
    yield f"{money(cost['term_total'])}  for the term of {months} months, set-up included"
    surcharge, hourly = cost["surcharge"], cost["hourly"]
    for server, size in surcharge["servers"].items():
        yield f"{surcharge['text']}: {server} has {size} GB, over {surcharge['over_gb']} GB"
    if not surcharge["servers"]:
        yield f"No volume is over {surcharge['over_gb']} GB ({surcharge['text'].lower()})"
    yield f"{money(hourly['amount'])}  {hourly['text']}:"
    for use in hourly["applies_to"]:
        least = f" (at least {use['minimum_hours']} h)" if use["minimum_hours"] else ""
        yield f"  - {use['text']}{least}"


def _objectives(found: dict[str, Any]) -> Iterator[Line]:
    rows = []
    for of in found["objectives"]:
        time = _time(of)
        agreed = " (agreed)" if of["agreed"] else ""
        phone = f"after {time} without an answer" if of["phone"] else "no"
        rows.append((of["priority"], time + agreed, phone, of["definition"]))
    yield ("priority", "answered", "telephone", "what it is"), rows
    yield from sorted({of["phone_caution"] for of in found["objectives"] if of["phone_caution"]})
    yield from found["support"]["rules"]
    support = found["support"]
    yield f"tickets: {support['portal']} or {support['email']}; telephone: {support['phone']}"
    yield f"uptime: {found['sla']['uptime_percent']} %. {found['sla']['covers']}."


def _time(objective: dict[str, Any]) -> str:
    if objective["minutes"] is not None:
        return f"{objective['minutes']} minutes"
    if objective["working_days"] is not None:
        days = objective["working_days"]
        return f"{days} {objective['calendar'].upper()} working day{'s' if days > 1 else ''}"
    return "at an agreed time"


def _term(term: dict[str, Any]) -> Iterator[Line]:
    yield (
        f"{term['start']} to {term['end'] or 'beyond the year 9999'}: {term['months']} months "
        f"(the least is {term['minimum_months']})"
    )
    yield f"notice: {term['notice'] or 'the terms name no period'}"
