"""A front comes and goes: by the real site.pp, each program is off the public port before the next takes it."""

# ruff: noqa: E501  lines of the shell

import importlib
import json
import sys
from dataclasses import replace

import pytest

from managed_server.bundle import build
from managed_server.local.debian.run import TreeFile

from .http_stand import REAPER, SITE
from .support import customer, run_script

# No systemd runs in a tree: starts what units start, and answers what Puppet and the steps ask.
SYSTEMCTL = r"""#!/bin/bash
echo "systemctl $*" >>/tmp/log
unit=${*: -1}
runs() {
    case $unit in
        apache2.service) pgrep -xo apache2 ;;
        haproxy.service) pgrep -xo haproxy ;;
        nginx.service) pgrep -xo nginx ;;
        varnish.service) pgrep -xo varnishd ;;
        *) false ;;
    esac
}
gone() { for _ in $(seq 100); do pgrep -x "$1" >/dev/null || return 0; sleep 0.1; done; return 1; }
start() {
    case $unit in
        apache2.service) mkdir -p /run/apache2; apache2ctl start ;;
        haproxy.service) mkdir -p /run/haproxy /var/lib/haproxy/dev; . /etc/default/haproxy
            haproxy -W -D -p /run/haproxy.pid -f /etc/haproxy/haproxy.cfg $EXTRAOPTS ;;
        nginx.service) nginx ;;
        varnish.service) line=$(sed -n 's/^ExecStart=\(.\)/\1/p' /etc/systemd/system/varnish.service.d/managed.conf)
            (setsid $line >>/tmp/varnish 2>&1 </dev/null &)
            for _ in $(seq 100); do varnishadm ping >/dev/null 2>&1 && return; sleep 0.1; done; return 1 ;;
    esac
}
stop() {
    case $unit in
        apache2.service) apache2ctl stop; gone apache2 ;;
        haproxy.service) pkill -x haproxy; gone haproxy ;;
        nginx.service) nginx -s stop; gone nginx ;;
        varnish.service) pkill -xo varnishd; gone varnishd ;;
    esac
}
reload() {
    case $unit in
        apache2.service) apache2ctl graceful ;;
        haproxy.service) pkill -USR2 -xo haproxy ;;
        nginx.service) nginx -s reload ;;
        varnish.service) /usr/share/varnish/varnishreload >>/tmp/log 2>&1 ;;
    esac
}
case $1 in
    is-active) runs >/dev/null && echo active || { echo inactive; exit 3; } ;;
    is-enabled) echo enabled ;;
    show) case "$*" in *MainPID*) runs ;; *) echo no ;; esac ;;
    start) runs >/dev/null || start || { echo "failed: $unit" >>/tmp/log; exit 1; } ;;
    stop) stop ;;
    restart) runs >/dev/null && stop; start ;;
    reload-or-restart) if runs >/dev/null; then reload; else start; fi ;;
esac
"""
PS = r"""#!/bin/bash
case "$*" in
    "-o unit= -p "*) name=$(cat "/proc/${*: -1}/comm") || exit 1
        case $name in cache-main | varnishd) echo varnish.service ;; *) echo "$name.service" ;; esac ;;
    *) exec /usr/bin/ps "$@" ;;
esac
"""
PROGRAMS = {"apache": "apache2", "varnish": "cache-main,varnishd"}
"""What has a port, where it isn't called as the software."""
PREPARED = """
ip address add 192.0.2.9/32 dev lo
chmod 1777 /dev/shm
mkdir -p /run/managed-server
echo systemd >/tmp/comm; mount --bind /tmp/comm /proc/1/comm
export PATH=/usr/local/bin:$PATH LC_ALL=C.UTF-8
holder() { ss -Hltnp 'sport = :80' | grep -o '"[a-z0-9-]*"' | tr -d '"' | sort -u | paste -s -d ,; }
go() {
    : >/tmp/log
    cp "/bundles/$1.json" /run/managed-server/converge.json
    puppet apply --detailed-exitcodes --color false --confdir /run/p --vardir /var/p --rundir /run/p \\
        --hiera_config "/bundles/$1/puppet/hiera.yaml" --modulepath "/bundles/$1/puppet/modules" --facts_terminus memory \\
        --certname server "/bundles/$1/puppet/site.pp" >/tmp/puppet 2>&1
    code=$?
    case $code in 0 | 2) ;; *) grep -E '^(Warning|Error)' /tmp/puppet; grep -v ' show ' /tmp/log ;; esac
    sleep 1
    echo hello >/var/www/SITE/public/index.html
    for _ in $(seq 40); do
        page=$(curl -s --max-time 2 --resolve SITE:80:127.0.0.1 http://SITE/)
        [ "$page" != hello ] || break
        sleep 0.2
    done
    echo "$1: $code $(holder) $page"
}
""".replace("SITE", SITE)


@pytest.fixture
def plan(monkeypatch, root):
    """What the converge program tells Puppet."""
    monkeypatch.syspath_prepend(str(root / "puppet/converge"))
    yield importlib.import_module("plan")
    sys.modules.pop("plan")


def bundle(root, folder, software):
    """The bundle of a server, of which nothing is left but what its HTTP software brings."""
    spec = customer(folder, {"software: [nginx, php]": f"software: [{', '.join(software)}]"})
    server = spec.servers[0]
    kept = {
        name: tuple(item for item in getattr(server, name) if item.origin in software)
        for name in ("files", "directories", "links", "removed", "units", "setup")
    }
    emptied = ("packages", "apt_sources", "users", "groups", "timers", "secrets")
    return build(root / "templates", spec, replace(server, **kept, **dict.fromkeys(emptied, ())))


def laid_out(plan, step, before, manifest):
    """What converge leaves for Puppet."""
    units = [unit["name"] for unit in manifest["units"]]
    left = plan.gone(plan.listed(before) if before else {}, plan.listed(manifest), units)
    data = plan.data(manifest, f"/bundles/{step}", [], left, [], {}, uids={}, go_on=False)
    return {f"/bundles/{step}.json": TreeFile(json.dumps(data).encode())}


def converged(root, plan, at, steps):
    """Converge to bundles, one after another; how each run ended, who has port 80 then, and what it answers."""
    files = {
        "/usr/local/bin/systemctl": TreeFile(SYSTEMCTL.encode(), mode=0o755),
        "/usr/local/bin/ps": TreeFile(PS.encode(), mode=0o755),
    }
    before = None
    for step, (manifest, made) in steps.items():
        files |= laid_out(plan, step, before, manifest)
        files |= {f"/bundles/{step}/files{file.path}": TreeFile(file.content) for file in made.files}
        files |= {
            f"/bundles/{step}/puppet/{path.name}": TreeFile(path.read_bytes())
            for path in (root / "puppet").iterdir()
            if path.is_file()
        }
        before = manifest
    script = "\n".join([REAPER, PREPARED, *(f"go {step}" for step in steps)])
    result = run_script(at, script, files, timeout=300)
    return result.stdout.splitlines() or result


def manifest_of(made):
    return json.loads(json.dumps(made.manifest))


@pytest.mark.parametrize(
    ("without", "front"),
    [
        pytest.param(("nginx",), "haproxy", marks=pytest.mark.soak),
        (("apache",), "haproxy"),
        pytest.param(("nginx",), "varnish", marks=pytest.mark.soak),
        (("varnish", "nginx"), "haproxy"),
    ],
)
def test_a_front_comes_and_goes(root, plan, machine, tmp_path, without, front):
    first, second = (bundle(root, tmp_path, software) for software in (without, (*without, front)))
    steps = {"first": first, "come": second, "gone": first}
    behind, taken = PROGRAMS.get(without[0], without[0]), PROGRAMS.get(front, front)
    assert converged(
        root, plan, machine[1], {step: (manifest_of(made), made) for step, made in steps.items()}
    ) == [f"first: 2 {behind} hello", f"come: 2 {taken} hello", f"gone: 2 {behind} hello"]


def test_what_leaves_a_port_by_a_step_does_so_before_the_front_starts(root, plan, machine, tmp_path):
    """As GitLab does: nginx, whose unit isn't told, takes its part."""
    first, second = (bundle(root, tmp_path, software) for software in (("nginx",), ("nginx", "haproxy")))
    now = manifest_of(second)
    now["units"] = [
        {**unit, "ports": [], "behind": []} for unit in now["units"] if unit["name"] == "haproxy.service"
    ]
    for kind in ("files", "links", "removed"):
        now[kind] = [{**it, "notify": [u for u in it["notify"] if "nginx" not in u]} for it in now[kind]]
    command, unless = "nginx -s reload; sleep 1", "ss -Hltnp 'sport = :8080' | grep -q nginx"
    now["setup"].append({"name": "apply", "command": command, "unless": unless, "before_units": True})
    steps = {"first": (manifest_of(first), first), "come": (now, second)}
    steps["first"][0]["units"] = []  # else it would be stopped as one that goes
    steps["first"][0]["setup"].append({"name": "start", "command": "nginx", "unless": "pgrep -x nginx"})
    for kind in ("files", "links", "removed"):
        steps["first"][0][kind] = [{**it, "notify": []} for it in steps["first"][0][kind]]
    assert converged(root, plan, machine[1], steps) == ["first: 2 nginx hello", "come: 2 haproxy hello"]


def test_gitlab_is_reconfigured_before_any_unit_is_started(tmp_path):
    spec = customer(tmp_path, {"software: [nginx, php]": "software: [gitlab, haproxy]"})
    assert [step.name for step in spec.servers[0].setup if step.before_units] == ["gitlab-apply"]
