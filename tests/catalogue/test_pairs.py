"""Each software of the catalogue, alone and beside each other one: resolved and rendered, or told why not."""

import itertools
import re
from dataclasses import replace

import pytest

from managed_server.inputs import load_project
from managed_server.model.catalogue_items import given
from managed_server.problems import InputError
from managed_server.proven import proven
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT
from tests.stackfile import STACK

PROJECT = load_project(ROOT)
SOFTWARE = PROJECT.software
RELEASES = sorted(PROJECT.debian.releases)
NEWEST = RELEASES[-1]
ALONE = [(name,) for name in sorted(SOFTWARE)]
PAIRS = list(itertools.combinations(sorted(SOFTWARE), 2))
CHAINS = [
    ("haproxy", "varnish", "apache", "php", "percona"),
    ("haproxy", "nginx", "php", "redis", "percona", "memcached"),
    ("nginx", "php", "redis", "percona"),
    ("varnish", "nginx", "fastcgi"),
    ("nginx", "nodejs", "redis"),
    ("nginx", "python", "memcached"),
    ("apache", "tomcat", "percona"),
    ("elasticsearch", "kibana", "nginx"),
    ("nagios", "munin", "ossec-manager"),
]
CHOICE = re.compile(r"write which with served_by: \[(?P<first>[a-z-]+)\]")
CLASH = re.compile(
    r"(?P<one>[a-z-]+)(?: and (?P<more>[a-z-]+))+ both listen on (?P<protocol>\w+) port (?P<port>\d+);"
)


def completions(names):
    """Every way to add what software requires, as the catalogue says; without the same one twice."""
    chosen = set(names)
    for name in names:
        general = SOFTWARE[name].general
        missing = set(given(general.requires)) - chosen
        if missing:
            return completions((*names, *sorted(missing)))
        any_of = given(general.requires_any)
        if any_of and not chosen & set(any_of):
            return [found for other in any_of for found in completions((*names, other))]
    return [names]


class Stand:
    """Resolves and proves a stack of one server with some software."""

    def __init__(self, drafts):
        (drafts / "stacks").mkdir()
        self.project = replace(PROJECT, drafts=drafts)

    def problems(self, names, debian, do):
        """What is said of the server once it says who has the sites; ``do`` resolves it, or does more."""
        named = []
        while True:
            found = self._problems(names, debian, named, do)
            asked = {choice["first"] for problem in found if (choice := CHOICE.search(problem.message))}
            if not asked:
                return found
            assert not asked & set(named), found
            named += sorted(asked)

    def _problems(self, names, debian, named, do):
        by = f"\n        served_by: [{', '.join(named)}]" if named else ""
        text = STACK.replace("[nginx, php]", f"[{', '.join(names)}]\n        debian: {debian}{by}")
        stack = "acme"
        if any(SOFTWARE[name].general.hub_only for name in names):
            stack, hub = next(iter(PROJECT.provider.hubs.items()))
            text = text.replace("123456789012", hub.account_id).replace("eu-west-2", hub.region)
        (self.project.drafts / f"stacks/Pulumi.{stack}.yaml").write_text(text)
        try:
            do(self.project, stack)
        except InputError as error:
            lines = text.splitlines()
            for problem in error.problems:
                assert problem.file == f"stacks/Pulumi.{stack}.yaml"
                assert "software:" in lines[problem.line - 1], str(problem)
            return error.problems
        return ()


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    return Stand(tmp_path_factory.mktemp("drafts"))


def known(names, debian):
    return all(debian in SOFTWARE[name].general.releases for name in names)


def listens(name, debian, protocol, port):
    entry = SOFTWARE[name].resolved(debian, {})
    return any((i.protocol, i.port) == (protocol, port) for i in given(entry.listens))


def against(names):
    """Whether the catalogue itself says that some of them can't be together."""
    return any(set(given(SOFTWARE[name].general.conflicts)) & set(names) for name in names)


def explained(problems, names, debian):
    """Each refusal is a conflict that the catalogue names, or a port that both have there."""
    clashes = [found for problem in problems if (found := CLASH.match(problem.message))]
    for found in clashes:
        who = found[0].partition(" both listen")[0].split(" and ")
        assert len(who) > 1
        assert set(who) <= set(names)
        assert all(listens(name, debian, found["protocol"], int(found["port"])) for name in who), problems
    assert bool(clashes) or against(names), (names, problems)
    for problem in problems:
        words = problem.message
        assert CLASH.match(words) or "can't be beside" in words or (clashes and " both have /" in words), (
            words
        )


@pytest.mark.parametrize("debian", RELEASES)
def test_alone(stand, debian):
    """Each is accepted, whichever of those that it requires is beside it, and rendered."""
    for [name] in ALONE:
        for names in completions((name,)):
            if known(names, debian):
                assert stand.problems(names, debian, proven) == (), names
    assert all(known(names, NEWEST) for [name] in ALONE for names in completions((name,)))


def together(stand, pairs, debian, do):
    """Try pairs; return how many were accepted, and how many refused."""
    count = {True: 0, False: 0}
    for pair in pairs:
        for names in completions(pair):
            if known(names, debian):
                problems = stand.problems(names, debian, do)
                if problems or against(names):
                    explained(problems, names, debian)
                count[not problems] += 1
    return count


def test_pairs(stand):
    count = together(stand, PAIRS, NEWEST, resolve_stack)
    assert count[True] > len(PAIRS) / 2
    assert count[False] > 0


@pytest.mark.soak
@pytest.mark.parametrize("debian", RELEASES)
def test_pairs_rendered(stand, debian):
    together(stand, PAIRS, debian, proven)


@pytest.mark.parametrize("names", CHAINS, ids="+".join)
def test_usual_chains(stand, names):
    for debian in RELEASES:
        if known(names, debian):
            assert completions(names) == [names]
            assert stand.problems(names, debian, proven) == ()


def test_all_that_fit_on_one_server(stand):
    """One after the other is added, if nothing speaks against it: in the end nothing more fits."""
    names = ()
    for name in sorted(SOFTWARE):
        if SOFTWARE[name].general.hub_only:
            continue
        more = (*names, *(n for n in completions((*names, name))[0] if n not in names))
        if not stand.problems(more, NEWEST, resolve_stack):
            names = more
    assert stand.problems(names, NEWEST, proven) == ()
    assert len(names) > len(SOFTWARE) / 2
