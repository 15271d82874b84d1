"""Ways of breaking a stack file that only the catalogue, the contract and provider.yaml refuse."""

import copy

from hypothesis import strategies as st

from managed_server.loading import read_yaml
from managed_server.model import types as kinds
from managed_server.model.catalogue_items import given
from managed_server.model.conditions import When
from managed_server.proofs.retention import least_disk_gb
from tests.conftest import ROOT
from tests.generated.places import Expected, adder, pick
from tests.generated.valid import place, staying

BREAKAGES = []
breakage = adder(BREAKAGES)


@breakage
def unknown_hub(draw, _, data):
    data["hub"] = draw(st.sampled_from(["hubb", "no-such"]))
    return Expected(("hub",), "is no hub of provider.yaml")


@breakage
def one_region(_draw, _, data):
    data["aws"]["backup_region"] = data["aws"]["region"]
    return Expected(("aws", "backup_region"), "is the servers' own region; off-site backups need another one")


@breakage
def backups_in_the_same_account(_draw, _, data):
    data["aws"]["backup_account_id"] = data["aws"]["account_id"]
    return Expected(("aws", "backup_account_id"), "is the account of the servers")


@breakage
def account_of_nobody(draw, _, data):
    data["aws"]["shares_account_with"] = draw(st.sampled_from(["no-such", "exampl"]))
    return Expected(("aws", "shares_account_with"), "there is no stack")


@breakage
def account_of_another(_draw, drawer, data):
    data["aws"]["account_id"] = drawer.project.provider.hubs["hub"].account_id
    return Expected(("aws", "account_id"), "is the account of the stack 'hub' as well")


@breakage
def short_term(draw, drawer, data):
    data["contract"]["term_months"] = draw(st.integers(1, drawer.project.contract.term.minimum_months - 1))
    return Expected(("contract", "term_months"), "below the contract's minimum")


@breakage
def urgent_after_high(draw, _, data):
    minutes = draw(st.integers(100_000 - 1000, 100_000))
    data["contract"]["objectives"] = {"urgent": {"minutes": minutes}, "high": {"minutes": 60}}
    return Expected(("contract", "objectives"), "urgent tickets would be answered later")


@breakage
def reserved_user(draw, drawer, data):
    name = draw(st.sampled_from(sorted(drawer.reserved)))
    if not data.get("users") or not kinds.UserName.__metadata__[0].func._compiled.fullmatch(name):
        return None
    data["users"][name] = copy.deepcopy(next(iter(data["users"].values())))
    return Expected(("users", name), f"{name!r} is reserved")


def some_exception(data, **changes):
    one = {
        "control": "S3.1",
        "resource": "none",
        "reason": "so",
        "owner": "a@acme.example",
        "expires": "2027-01-01",
    }
    data.setdefault("exceptions", []).append({**one, **changes})
    return "exceptions", len(data["exceptions"]) - 1


@breakage
def unknown_control(_draw, _, data):
    at_ = some_exception(data, control="S3.1x")
    return Expected((*at_, "control"), "unknown control 'S3.1x'")


@breakage
def unknown_resource(_draw, _, data):
    """Which resources there are is known where nothing else is wrong."""
    return Expected((*some_exception(data), "resource"), "the customer has no resource 'none'", ((),))


def some_server(draw, data):
    name = draw(st.sampled_from(sorted(data["servers"])))
    return ("servers", name), data["servers"][name]


def hosted(draw, data, where):
    """A server that is hosted there, if there is one."""
    name = pick(draw, sorted(n for n, server in data["servers"].items() if place(server) == where))
    return (None, None) if name is None else (("servers", name), data["servers"][name])


@breakage
def elsewhere_with_an_instance_type(draw, _, data):
    at_, server = hosted(draw, data, "elsewhere")
    if server is None:
        return None
    server["instance_type"] = "t3.large"
    return Expected((*at_, "instance_type"), "is EC2's, and the server is hosted elsewhere; take it out")


@breakage
def elsewhere_with_a_data_volume(draw, _, data):
    at_, server = hosted(draw, data, "elsewhere")
    if server is None:
        return None
    server["data_gb"] = draw(st.integers(1, 200))
    return Expected(
        (*at_, "data_gb"), "is a volume of EC2's, and the server is hosted elsewhere; take it out"
    )


@breakage
def elsewhere_without_what_it_needs(draw, _, data):
    at_, server = hosted(draw, data, "elsewhere")
    if server is None:
        return None
    key = draw(st.sampled_from(["address", "machine"]))
    del server[key]
    return Expected(at_, f"the key {key!r} is missing; add ", ((*at_, key),))


@breakage
def on_aws_without_an_instance_type(draw, _, data):
    at_, server = hosted(draw, data, "aws")
    if server is None:
        return None
    del server["instance_type"]
    words = "the key 'instance_type' is missing; add it, or write hosting: elsewhere"
    return Expected(at_, words, ((*at_, "instance_type"),))


@breakage
def on_aws_with_what_is_for_elsewhere(draw, _, data):
    at_, server = hosted(draw, data, "aws")
    if server is None:
        return None
    key, value = draw(
        st.sampled_from(
            [
                ("address", "198.51.100.9"),
                ("private_address", "10.9.9.9"),
                ("machine", {"vcpus": 2, "memory_mb": 999}),
            ]
        )
    )
    server[key] = value
    return Expected((*at_, key), "is for a server with hosting: elsewhere; on AWS, take it out")


@breakage
def one_address_twice(_draw, _drawer, data):
    names = [name for name, server in data["servers"].items() if place(server) == "elsewhere"]
    if len(names) < 2:
        return None
    data["servers"][names[1]]["address"] = data["servers"][names[0]]["address"]
    paths = tuple(("servers", name, "address") for name in names[:2])
    return Expected(paths[1], f"is that of {names[0]} as well", paths)


@breakage
def unknown_instance_type(draw, _, data):
    at_, server = hosted(draw, data, "aws")
    if server is None:
        return None
    server["instance_type"] = draw(st.sampled_from(["t3.metal", "z9.large"]))
    return Expected((*at_, "instance_type"), "is not in catalogue/instance-types.yaml")


@breakage
def unknown_release(draw, drawer, data):
    at_, server = some_server(draw, data)
    server["debian"] = draw(st.integers(0, 99).filter(lambda n: n not in drawer.project.debian.releases))
    return Expected((*at_, "debian"), "is not supported; known:")


@breakage
def unknown_software(draw, _, data):
    at_, server = some_server(draw, data)
    name = draw(st.sampled_from(["ngnix", "exchange", "", "Nginx", "no\nsuch"]))
    server["software"].append(name)
    return Expected((*at_, "software", len(server["software"]) - 1), f"unknown software {name!r}")


@breakage
def software_twice(draw, _, data):
    at_, server = some_server(draw, data)
    server["software"].append(draw(st.sampled_from(server["software"])))
    return Expected((*at_, "software", len(server["software"]) - 1), "is listed twice")


@breakage
def software_of_hubs(draw, drawer, data):
    at_, server = some_server(draw, data)
    name = pick(draw, (n for n in sorted(drawer.project.software) if drawer.general(n).hub_only))
    server["software"].append(name)
    return Expected((*at_, "software", len(server["software"]) - 1), f"{name!r} is for a hub")


@breakage
def missing_requirement(draw, drawer, data):
    at_, server = some_server(draw, data)
    name = pick(draw, (n for n in drawer.choices() if not drawer.alone(n)))
    general = drawer.general(name)
    needed = {*given(general.requires), *given(general.requires_any)}
    server["software"] = [*(n for n in server["software"] if n not in needed and n != name), name]
    server.pop("settings", None)
    server.pop("peers", None)
    return Expected((*at_, "software", len(server["software"]) - 1), f"{name!r} requires")


@breakage
def conflict(draw, drawer, data):
    at_, server = some_server(draw, data)
    name = pick(draw, (n for n in drawer.choices() if given(drawer.general(n).conflicts)))
    other = draw(st.sampled_from(given(drawer.general(name).conflicts)))
    server["software"] = [*(n for n in server["software"] if n not in (name, other)), other, name]
    return Expected((*at_, "software", len(server["software"]) - 1), f"{name!r} can't be beside {other!r}")


def ports_by_setting(drawer, name):
    """The settings of a software that are ports on which it listens, whatever its other settings are."""
    listens = read_yaml(ROOT / f"catalogue/software/{name}.yaml", ROOT).data["listens"]
    for listen in listens if isinstance(listens, list) else ():
        setting = str(listen["port"])[2:-1]
        if listen["protocol"] == "tcp" and "when" not in listen and setting in drawer.general(name).settings:
            yield setting


def ports_of_tools(drawer):
    """Ports above 1024 that every server has taken."""
    for tool in drawer.project.tools.values():
        for listen in given(tool.general.listens) if tool.general.when == When() else ():
            if (
                listen.protocol == "tcp"
                and listen.bind == "any"
                and listen.port > 1024
                and listen.when == When()
            ):
                yield listen.port


@breakage
def port_twice(draw, drawer, data):
    at_, server = some_server(draw, data)
    found = [(n, setting) for n in server["software"] for setting in ports_by_setting(drawer, n)]
    if not found:
        return None
    name, setting = draw(st.sampled_from(found))
    port = draw(st.sampled_from(sorted(ports_of_tools(drawer))))
    server.setdefault("settings", {}).setdefault(name, {})[setting] = port
    return Expected((*at_, "software"), f"both listen on tcp port {port}")


@breakage
def unknown_setting(draw, _, data):
    at_, server = some_server(draw, data)
    name = draw(st.sampled_from(server["software"]))
    server.setdefault("settings", {}).setdefault(name, {})["colour"] = draw(
        st.sampled_from(["blue", 3, False])
    )
    return Expected((*at_, "settings", name, "colour"), "unknown setting")


@breakage
def setting_of_nothing(draw, _, data):
    at_, server = some_server(draw, data)
    server.setdefault("settings", {})["exchange"] = {"colour": "blue"}
    return Expected((*at_, "settings", "exchange"), "the server has no 'exchange'")


@breakage
def bad_setting(draw, drawer, data):
    at_, server = some_server(draw, data)
    known = [(n, key, s) for n in server["software"] for key, s in drawer.general(n).settings.items()]
    if not known:
        return None
    name, key, setting = draw(st.sampled_from(known))
    wrong = {"int": ["3", True], "bool": ["true", 1], "str": [3, True]}[setting.type]
    wrong += [setting.min - 1] if setting.min is not None else []
    wrong += [setting.max + 1] if setting.max is not None else []
    wrong += ["nonsense"] if setting.choices else []
    server.setdefault("settings", {}).setdefault(name, {})[key] = draw(st.sampled_from(wrong))
    return Expected((*at_, "settings", name, key), setting.description)


@breakage
def bad_peer(draw, _, data):
    at_, server = some_server(draw, data)
    peers = server.setdefault("peers", [])
    twice = [(peers[0], "is listed twice")] if peers else []
    wrong = [
        (at_[1], "is the server itself"),
        ("nowhere", "'nowhere' is no server of this stack file"),
        *twice,
    ]
    name, words = draw(st.sampled_from(wrong))
    peers.append(name)
    return Expected((*at_, "peers", len(peers) - 1), words)


@breakage
def nothing_for_peers(draw, drawer, data):
    at_, server = some_server(draw, data)
    others = [
        name for name in staying(data["servers"], at_[1]) if place(data["servers"][name]) == place(server)
    ]
    if not others or any(
        i.reach == "peers" for n in server["software"] for i in given(drawer.general(n).listens)
    ):
        return None
    server["peers"] = [draw(st.sampled_from(others))]
    return Expected((*at_, "peers"), "no software of the server offers anything to peers")


@breakage
def site_twice(draw, _, data):
    at_, server = some_server(draw, data)
    server.setdefault("sites", ["www.acme.example"])
    if not server["sites"]:
        return None
    server["sites"].append(draw(st.sampled_from(server["sites"])))
    return Expected((*at_, "sites", len(server["sites"]) - 1), "is listed twice")


@breakage
def package_of_software(draw, drawer, data):
    at_, server = some_server(draw, data)
    debian = server.get("debian", 13)
    found = [
        p for n in server["software"] for p in given(drawer.project.software[n].resolved(debian, {}).packages)
    ]
    if not found:
        return None
    package = draw(st.sampled_from(found))
    server.setdefault("unsupported_packages", []).append(package)
    return Expected((*at_, "unsupported_packages"), f"{package!r} belongs to supported software")


@breakage
def window_at_night(draw, drawer, data):
    """A job of every server runs then."""
    at_, server = some_server(draw, data)
    daily = [
        timer.calendar.split()[1][:5]
        for tool in drawer.project.tools.values()
        for timer in given(tool.general.timers)
        if timer.calendar.startswith("*-*-* ") and timer.name in drawer.project.limits.schedule.jobs
        if tool.general.when == timer.when == When()
    ]
    window = server.setdefault("maintenance", {"day": "friday", "reboot": "never"})
    window["time"] = draw(st.sampled_from(daily))
    return Expected((*at_, "maintenance"), "overlaps")


@breakage
def small_disk(draw, drawer, data):
    at_, server = some_server(draw, data)
    dumps = drawer.project.tools[drawer.project.limits.retention.dumps.entry].general.when.with_dump
    found = {dump.engine for n in server["software"] for dump in given(drawer.general(n).dumps)}
    if dumps not in found:
        return None
    if server.get("data_gb"):
        server["data_gb"] = draw(st.integers(1, least_disk_gb(drawer.project, system=False) - 1))
        return Expected((*at_, "data_gb"), "is too small for a database")
    least = least_disk_gb(drawer.project)
    server["disk_gb"] = draw(st.integers(8, least - 1)) if least > 8 else 8
    return Expected((*at_, "disk_gb"), "is too small for a database")
