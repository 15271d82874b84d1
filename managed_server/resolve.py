"""Stack file + catalogue + tools + contract -> CustomerSpec, and every check across them."""

import datetime
from collections.abc import Iterator
from pathlib import Path as FilePath

from managed_server import hosting, resolve_account, spec
from managed_server.assemble import Whose, server_spec
from managed_server.firewall_rules import with_peers
from managed_server.http_chain import chained
from managed_server.inputs import load_project, load_stack, read_stack, stack_names
from managed_server.loading import Document, nearest
from managed_server.model import provider as provider_model
from managed_server.model.catalogue_items import Absent, given
from managed_server.model.contract import Priority
from managed_server.model.customer import Customer, Server
from managed_server.model.objectives import AgreedObjectives, WorkingDayObjective
from managed_server.model.types import CustomerId
from managed_server.partial import mended
from managed_server.problems import InputError, Path, Problem, dotted
from managed_server.project import Project
from managed_server.proofs import end_of_life, exceptions, retention, schedule
from managed_server.proofs.lines import uncounted
from managed_server.resolve_server import Chosen, Gatherer, Place, dump_engines
from managed_server.server_checks import contradictions

_BASE: Path = ("config", "managed-server:customer")


def load_customer(root: FilePath, stack: str) -> spec.CustomerSpec:
    """Load everything and resolve one stack.

    Raises:
        InputError: with every problem of every file.
    """
    try:
        project = load_project(root)
    except InputError as error:
        raise InputError([*error.problems, *problems_of_stacks(root, [stack])]) from error
    return resolve_stack(project, stack)[0]


def problems_of_stacks(root: FilePath, stacks: list[str]) -> list[Problem]:
    """Return what is wrong with stack files by themselves, for when the catalogue can't be loaded."""
    found: list[Problem] = []
    for stack in stacks or stack_names(root):
        try:
            load_stack(root, stack)
        except InputError as error:
            found += error.problems
    return found


def resolve_stack(
    project: Project, stack: str, today: datetime.date | None = None
) -> tuple[spec.CustomerSpec, tuple[Problem, ...]]:
    """Resolve one stack of a loaded project; returns the spec and the warnings.

    ``today`` changes warnings only: nothing becomes an error by the passing of time.

    Raises:
        InputError: with every problem of the stack file.
    """
    document, whole = read_stack(project.drafts or project.root, stack)
    customer = whole or _what_is_left(project, document)
    if customer is None:
        raise InputError(document.problems)
    resolver = _Resolver(project, stack, document, customer)
    resolver.problems += document.problems
    result = resolver.customer_spec()
    for path, message in exceptions.wrong(project, customer.exceptions, result):
        resolver.error(path, message)
    errors = [problem for problem in resolver.problems if problem.severity == "error"]
    if errors or result is None:
        raise InputError(errors)
    resolver.warn(result, today or datetime.datetime.now(tz=datetime.UTC).date())
    return result, tuple(problem for problem in resolver.problems if problem.severity == "warning")


def _what_is_left(project: Project, document: Document) -> Customer | None:
    """Return what can still be held against the catalogue, of a file that the model refuses."""
    return mended(
        document.data,
        next(iter(project.provider.hubs)),
        next(iter(project.instance_types.types)),
        next(
            name
            for name, entry in project.software.items()
            if not given(entry.general.requires) and not given(entry.general.requires_any)
        ),
    )


def _hub_spec(hub_id: str, hub: provider_model.Hub) -> spec.Hub:
    return spec.Hub(hub_id, str(hub.ipv4), str(hub.ipv6) if hub.ipv6 else None, hub.account_id, hub.region)


class _Resolver:
    """Resolves one stack file, collecting all problems before it gives up."""

    def __init__(self, project: Project, stack: str, document: Document, customer: Customer) -> None:
        self.project, self.stack, self.document, self.customer = project, stack, document, customer
        self.problems: list[Problem] = []

    def error(self, path: Path, message: str) -> None:
        problem = self.document.problem((*_BASE, *path), message)
        self.problems.append(Problem(problem.file, problem.line, dotted(path), message))

    def customer_spec(self) -> spec.CustomerSpec | None:
        project, customer = self.project, self.customer
        self._check_customer()
        hubs = project.provider.hubs
        hub = customer.hub
        if hub not in hubs:
            self.error(("hub",), f"{hub!r} is no hub of provider.yaml{nearest(hub, hubs)}")
            hub = next(iter(hubs))  # any, for the sake of what else is wrong
        hub_spec = _hub_spec(hub, hubs[hub])
        own_hub = hubs.get(self.stack)
        networks = project.provider.networks
        own = tuple(sorted({str(network) for network in (*networks.offices, *networks.vpn)}))
        admin = tuple(sorted({*own, *(str(network) for network in customer.access.ssh_from)}))
        users = tuple(
            spec.User(name, user.admin, tuple(sorted(user.keys)), user.expires)
            for name, user in sorted(customer.users.items())
        )
        try:
            agreed = project.contract.objectives_for(customer.contract.objectives)
        except ValueError as error:
            self.error(("contract", "objectives"), str(error))
            agreed = project.contract.objectives_for(AgreedObjectives())
        objectives = {priority: objective.minutes_or_none for priority, objective in agreed.items()}
        servers = [
            self._server_spec(name, server, users, admin, hub_spec, objectives)
            for name, server in sorted(customer.servers.items())
        ]
        if None in servers:
            return None
        support, notify = project.provider.support, project.provider.notify
        return spec.CustomerSpec(
            id=self.stack,
            name=customer.name,
            stack_file=self.document.file,
            contract_start=customer.contract.start,
            term_months=customer.contract.term_months,
            objectives=tuple(objectives.items()),
            responses=tuple(
                spec.Response(
                    priority,
                    objective.minutes_or_none,
                    objective.days if isinstance(objective, WorkingDayObjective) else None,
                    project.contract.priority(priority).phone.may_call,
                )
                for priority, objective in agreed.items()
            ),
            routes=tuple((terms.id, terms.escalation.route) for terms in project.contract.priorities),
            provider=spec.Provider(
                name=project.provider.name,
                support_email=support.email,
                support_phone=support.phone,
                support_portal=support.portal,
                page_email=notify.page,
                ticket_email=notify.ticket,
                mail_relay=project.provider.mail.relay,
                organization=project.provider.organization,
                networks=own,
                deploy_role=project.provider.deploy_role,
            ),
            hub=hub_spec,
            backup_lock_days=project.limits.retention.offsite.lock_days,
            backup_versions_days=project.limits.retention.offsite.versions_days,
            runs_hub=_hub_spec(self.stack, own_hub) if own_hub else None,
            account_id=customer.aws.account_id,
            region=customer.aws.region,
            backup_account_id=customer.aws.backup_account_id or customer.aws.account_id,
            backup_region=customer.aws.backup_region,
            network=spec.Network(**dict(customer.aws.network)),
            baseline=resolve_account.baseline(project, customer.aws),
            contacts=tuple(spec.Contact(c.name, c.email, c.phone) for c in customer.contacts),
            admin_networks=admin,
            users=users,
            exceptions=customer.exceptions,
            servers=with_peers(
                tuple(server for server in servers if server is not None and not self._leaves(server.name))
            ),
            window_minutes=schedule.window_minutes(project),
            retiring=tuple(name for name in sorted(customer.servers) if self._leaves(name)),
            retires=customer.retire,
        )

    def _check_customer(self) -> None:
        project, customer = self.project, self.customer
        try:
            CustomerId.__metadata__[0].func(self.stack)  # type: ignore[attr-defined]
        except ValueError as error:
            self.error((), f"the stack's name is the customer id: {error}")
        minimum = project.contract.term.minimum_months
        if customer.contract.term_months < minimum:
            self.error(
                ("contract", "term_months"),
                f"{customer.contract.term_months} months is below the contract's minimum of {minimum}; "
                f"write {minimum} or more",
            )
        if customer.aws.region == customer.aws.backup_region:
            self.error(
                ("aws", "backup_region"), "is the servers' own region; off-site backups need another one"
            )
        for path, message in (
            *hosting.twice(customer.servers),
            *resolve_account.problems(project, self.stack, customer.aws),
        ):
            self.error(path, message)
        own_hub = project.provider.hubs.get(self.stack)
        if own_hub is not None:
            self._check_hub(own_hub)
        reserved = dict.fromkeys(project.debian.accounts, "a Debian system account")
        for entry in project.entries.values():
            if not isinstance(entry.general.accounts, Absent):
                reserved.update(dict.fromkeys(entry.general.accounts, f"an account of {entry.general.title}"))
        for name in customer.users:
            if name in reserved:
                self.error(
                    ("users", name), f"{name!r} is reserved: {reserved[name]}; choose another user name"
                )

    def _check_hub(self, hub: provider_model.Hub) -> None:
        """Hold a hub's own stack against what provider.yaml says of the hub: others build on it."""
        aws = self.customer.aws
        for field, found, wanted in (
            ("account_id", aws.account_id, hub.account_id),
            ("region", aws.region, hub.region),
        ):
            if found != wanted:
                self.error(("aws", field), f"{found!r} is not that of the hub in provider.yaml, {wanted!r}")
        for name in sorted(self.customer.servers)[1:]:
            self.error(("servers", name), "a hub's stack has one server: the address in provider.yaml is its")

    # --- one server -------------------------------------------------------------------------------

    def _server_spec(
        self,
        name: str,
        server: Server,
        users: tuple[spec.User, ...],
        admin: tuple[str, ...],
        hub: spec.Hub,
        objectives: dict[Priority, int | None],
    ) -> spec.ServerSpec | None:
        before = len(self.problems)
        at: Path = ("servers", name)
        release = self.project.debian.releases.get(server.debian)
        if release is None:
            known = ", ".join(map(str, sorted(self.project.debian.releases)))
            self.error((*at, "debian"), f"Debian {server.debian} is not supported; known: {known}")
        types, own = self.project.instance_types, self.stack in self.project.provider.hubs
        given = self.document.keys((*_BASE, *at))
        for path, message in hosting.problems(types, server, given, hub=own):
            self.error((*at, *path), message)
        machine = hosting.facts(types, server)
        for index, site in enumerate(server.sites):
            if site in server.sites[:index]:
                self.error((*at, "sites", index), f"{site!r} is listed twice")
        self._check_peers(name, server)
        reaches = tuple(
            sorted(
                other
                for other, s in self.customer.servers.items()
                if name in s.peers and not self._leaves(other)
            )
        )
        place = Place(server, machine, reaches) if machine is not None else None
        chosen = self._choose(at, server, place)
        if release is None or place is None or len(self.problems) > before:
            return None
        gather = Gatherer(self.project, place, chosen, objectives)
        whose = Whose(self.stack, users, admin, hub)
        result = server_spec(name, whose, gather, release)
        self._check_server(at, result, objectives)
        return result

    def _leaves(self, name: str) -> bool:
        return self.customer.retire or self.customer.servers[name].retire

    def _check_peers(self, name: str, server: Server) -> None:
        for index, peer in enumerate(server.peers):
            path = ("servers", name, "peers", index)
            others = [other for other in self.customer.servers if other != name]
            if peer == name:
                self.error(path, "is the server itself; name other servers of this customer")
            elif peer not in others:
                self.error(path, f"{peer!r} is no server of this stack file{nearest(peer, others)}")
            elif peer in server.peers[:index]:
                self.error(path, f"{peer!r} is listed twice")
            elif self._leaves(peer) and not self._leaves(name):
                self.error(path, f"{peer!r} is to be retired; take it out")
            else:
                given = {each: self.document.keys((*_BASE, "servers", each)) for each in (name, peer)}
                if problem := hosting.peer_problem(self.customer.servers, given, name, peer):
                    self.error(path, problem)

    def _choose(self, at: Path, server: Server, place: Place | None) -> tuple[Chosen, ...]:
        """Return the server's entries: its software, and the tools whose condition holds."""
        ids: list[str] = []
        for index, software in enumerate(server.software):
            path = (*at, "software", index)
            if software not in self.project.software:
                self.error(path, f"unknown software {software!r}{nearest(software, self.project.software)}")
            elif software in ids:
                self.error(path, f"{software!r} is listed twice")
            else:
                ids.append(software)
        for software in ids:
            general = self.project.software[software].general
            index = server.software.index(software)
            if general.hub_only and self.stack not in self.project.provider.hubs:
                self.error(
                    (*at, "software", index),
                    f"{software!r} is for a hub, and provider.yaml has no hub {self.stack!r}",
                )
            self._check_others((*at, "software", index), software, server)
        dumps = dump_engines(self.project.software[software].general for software in ids)
        tools = [
            tool
            for tool, entry in self.project.tools.items()
            if place is None or entry.general.when.holds(place.circumstances(dumps))
        ]
        if place is not None:
            whose = f"{at[-1]} of {self.stack}"
            self.problems += uncounted(self.project, tools, place.circumstances(dumps), whose)
        for entry_id in server.settings:
            if entry_id not in ids and entry_id not in tools:
                self.error(
                    (*at, "settings", entry_id),
                    f"the server has no {entry_id!r}{nearest(entry_id, [*ids, *tools])}",
                )
        chosen = [self._chosen(at, server, entry_id) for entry_id in [*sorted(ids), *sorted(tools)]]
        return chained(item for item in chosen if item is not None)

    def _check_others(self, at: Path, software: str, server: Server) -> None:
        """Hold a software's wishes about what is beside it against the server."""
        general = self.project.software[software].general
        for needed in given(general.requires):
            if needed not in server.software:
                self.error(at, f"{software!r} requires {needed!r}; add it to the list")
        any_of = given(general.requires_any)
        if any_of and not set(any_of) & set(server.software):
            names = " or ".join(map(repr, any_of))
            self.error(at, f"{software!r} requires {names}; add one of them to the list")
        for other in given(general.conflicts):
            if other in server.software:
                self.error(at, f"{software!r} can't be beside {other!r}; choose one of them")

    def _chosen(self, at: Path, server: Server, entry_id: str) -> Chosen | None:
        entry_file = self.project.entries[entry_id]
        if server.debian not in entry_file.general.releases and server.debian in self.project.debian.releases:
            known = ", ".join(str(release) for release in sorted(entry_file.general.releases))
            self.error(
                (*at, "debian"), f"{entry_id!r} has no facts for Debian {server.debian}, only for {known}"
            )
            return None
        values = server.settings.get(entry_id, {})
        bad = False
        for name, value in values.items():
            setting = entry_file.general.settings.get(name)
            path = (*at, "settings", entry_id, name)
            if setting is None:
                self.error(path, f"unknown setting{nearest(name, entry_file.general.settings)}")
                bad = True
            elif problem := setting.problem_with(value):
                self.error(path, f"{problem} ({setting.description})")
                bad = True
        if bad:
            return None
        try:
            entry = entry_file.resolved(server.debian, values)
        except InputError as error:
            for problem in error.problems:
                self.error(
                    (*at, "settings", entry_id),
                    f"does not fit {problem.file}: {problem.path}: {problem.message}",
                )
            return None
        return Chosen(entry_id, entry, entry_file.facts(server.debian, values))

    def _check_server(
        self, at: Path, server: spec.ServerSpec, objectives: dict[Priority, int | None]
    ) -> None:
        if server.peers and not any(listen.reach == "peers" for listen in server.listens):
            self.error((*at, "peers"), "no software of the server offers anything to peers; take them out")
        for message in contradictions(server, objectives):
            self.error((*at, "software"), message)
        for message in schedule.clashes(self.project, server):
            self.error((*at, "software"), message)
        for message in schedule.window_clashes(self.project, server):
            self.error((*at, "maintenance"), message)
        for message in retention.too_small(self.project, server):
            self.error((*at, "disk_gb"), message)
        for package in sorted(set(server.unsupported_packages) & self._supported_packages(server)):
            self.error(
                (*at, "unsupported_packages"), f"{package!r} belongs to supported software; take it out"
            )

    def _supported_packages(self, server: spec.ServerSpec) -> set[str]:
        found: set[str] = set()
        for entry in server.entries:
            packages = self.project.entries[entry.id].resolved(server.debian, {}).packages
            if not isinstance(packages, Absent):
                found.update(packages)
        return found

    # --- what does not fail -----------------------------------------------------------------------

    def warn(self, result: spec.CustomerSpec, today: datetime.date) -> None:
        """Add the warnings: what a person should know, and what must never stop a deploy."""

        def warning(path: Path, message: str) -> None:
            problem = self.document.problem((*_BASE, *path), message)
            self.problems.append(Problem(problem.file, problem.line, dotted(path), message, "warning"))

        surcharge = self.project.contract.fees.surcharge.over_gb
        for resolved in result.servers:
            for message, _ in end_of_life.warnings(self.project, resolved, today):
                warning(("servers", resolved.name, "software"), message)
        for path, message in self._changing(today):
            warning(path, message)
        for name, server in self.customer.servers.items():
            if self._leaves(name):
                continue
            if server.disk_gb > surcharge:
                warning(("servers", name, "disk_gb"), f"over {surcharge} GB: backups may cost a surcharge")
            if server.pin:
                warning(("servers", name, "pin"), "the server keeps an earlier bundle; no change reaches it")
        for path, message in exceptions.ending(self.customer.exceptions, today):
            warning(path, message)
        for name, user in self.customer.users.items():
            if user.expires and user.expires < today:
                warning(("users", name), f"expired on {user.expires}: the account is locked")

    def _changing(self, today: datetime.date) -> Iterator[tuple[Path, str]]:
        """Yield what the stack file says of servers only for a while."""
        for name, server in sorted(self.customer.servers.items()):
            if self._leaves(name):
                whole = "" if self.customer.retire else f" {name}"
                yield (
                    ("servers", name),
                    f"is to be no more: `managed retire {self.stack}{whole}` sees to it",
                )
            elif server.resize and server.resize < today:
                yield ("servers", name, "resize"), f"{server.resize} is over; take it out"
