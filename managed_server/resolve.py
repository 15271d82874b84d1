"""Stack file + catalogue + tools + contract -> CustomerSpec, and every check across them."""

import datetime
from collections.abc import Collection
from pathlib import Path as FilePath
from typing import Literal

from managed_server import hosting, resolve_account, resolve_checks, spec
from managed_server.assemble import Whose, server_spec
from managed_server.firewall_rules import with_peers
from managed_server.inputs import load_project, load_stack, read_stack, stack_names
from managed_server.loading import Document, nearest
from managed_server.model import provider as provider_model
from managed_server.model.catalogue_items import given
from managed_server.model.contract import Priority
from managed_server.model.customer import Customer, Server
from managed_server.model.objectives import AgreedObjectives, WorkingDayObjective
from managed_server.partial import mended
from managed_server.problems import InputError, Path, Problem, dotted
from managed_server.project import Project
from managed_server.proofs import exceptions, schedule
from managed_server.resolve_advice import advice
from managed_server.resolve_selection import Selection
from managed_server.resolve_server import Gatherer, Place

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
    resolver.warn(result, today or _today())
    return result, tuple(problem for problem in resolver.problems if problem.severity == "warning")


def _today() -> datetime.date:
    return datetime.datetime.now(tz=datetime.UTC).date()


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
        self.problems.append(self._problem(path, message, "error"))

    def _problem(self, path: Path, message: str, severity: Literal["error", "warning"]) -> Problem:
        problem = self.document.problem((*_BASE, *path), message)
        return Problem(problem.file, problem.line, dotted(path), message, severity)

    def _keys(self, path: Path) -> Collection[str]:
        return self.document.keys((*_BASE, *path))

    def customer_spec(self) -> spec.CustomerSpec | None:
        project, customer = self.project, self.customer
        for path, message in resolve_checks.of_customer(project, self.stack, customer):
            self.error(path, message)
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
                tuple(
                    server
                    for server in servers
                    if server is not None and not self.customer.leaves(server.name)
                )
            ),
            window_minutes=schedule.window_minutes(project),
            retiring=tuple(name for name in sorted(customer.servers) if self.customer.leaves(name)),
            retires=customer.retire,
        )

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
        if name in self._keys(("servers",)):  # else it stands in for those that the file should have
            for path, message in hosting.problems(types, server, self._keys(at), hub=own):
                self.error((*at, *path), message)
        machine = hosting.facts(types, server)
        for index, site in enumerate(server.sites):
            if site in server.sites[:index]:
                self.error((*at, "sites", index), f"{site!r} is listed twice")
        for path, message in resolve_checks.of_peers(self.customer, name, self._keys):
            self.error(path, message)
        reaches = tuple(
            sorted(
                other
                for other, s in self.customer.servers.items()
                if (name in s.peers or other in server.behind) and not self.customer.leaves(other)
            )
        )
        forwarders = hosting.forwarders(self.customer.servers, server)
        place = Place(server, machine, reaches, forwarders) if machine is not None else None
        selection = Selection(self.project, self.stack, name, server)
        chosen = selection.entries(place)
        for path, message in selection.errors:
            self.error((*at, *path), message)
        self.problems += selection.problems
        if release is None or place is None or len(self.problems) > before:
            return None
        gather = Gatherer(self.project, place, chosen, objectives)
        whose = Whose(self.stack, users, admin, hub)
        result = server_spec(name, whose, gather, release)
        for path, message in resolve_checks.of_server(self.project, result, objectives):
            self.error((*at, *path), message)
        return result

    def warn(self, result: spec.CustomerSpec, today: datetime.date) -> None:
        """Add what a person should know."""
        for path, message in advice(self.project, self.stack, self.customer, result, today):
            self.problems.append(self._problem(path, message, "warning"))
