"""nginx, PHP, firewall, SSH and users at work: real programs of both releases, with the rendered files."""

import re
from dataclasses import replace

import pytest

from managed_server.inputs import load_project
from managed_server.local.debian.run import Command, Layout, TreeFile, run_all
from managed_server.rendering import render_server
from managed_server.resolve import resolve_stack
from tests import trees
from tests.releases import RELEASES

pytestmark = pytest.mark.machine

ORIGINS = ("firewall", "nginx", "php", "ssh", "users")
SITE = "www.widgets.example"


@pytest.fixture(scope="module", params=RELEASES)
def machine(request, root, tmp_path_factory):
    """Run a script in a throw-away copy of a tree with the server's own files."""
    project = load_project(root)
    example = (root / "stacks/Pulumi.example.yaml").read_text()
    place = tmp_path_factory.mktemp("inputs")
    (place / "stacks").mkdir()
    text = example.replace("debian: 13", f"debian: {request.param}")
    (place / "stacks/Pulumi.example.yaml").write_text(text)
    customer = resolve_stack(replace(project, root=place), "example")[0]
    server = customer.servers[0]
    own = {file.path for file in server.files if file.origin in ORIGINS}
    files = {
        f.path: TreeFile(f.content, f.owner, f.group, int(f.mode, 8))
        for f in render_server(root / "templates", customer, server)
        if f.path in own
    }
    php = project.entries["php"].facts(request.param, {})["php"]
    tree = trees.tree(request.param, request.config)
    directories = "\n".join(
        f"install -d -o {d.owner} -g {d.group} -m {d.mode} {d.path}"
        for d in server.directories
        if d.owner in {"root", "www-data"}
    )

    def run(script, **more):
        text = f"set -u\nip link set lo up\n{directories}\nmkdir -p /run/php /run/sshd\nphp={php}\n{script}"
        layout = Layout(
            {**files, "/opt/script": TreeFile(text.encode()), **more},
            users=tuple(user.name for user in customer.users),
            absent=tuple(gone.path for gone in server.removed),
        )
        return run_all(tree, [Command(["bash", "/opt/script"], 120)], layout)[0]

    run.server, run.files = server, files
    return run


def test_files_pass_the_command_that_guards_them_alone(machine):
    """As converge calls it: on the new file in another place, before it replaces the old one."""
    guarded = {
        f.path: f.validate_with for f in machine.server.files if f.origin in ORIGINS and f.validate_with
    }
    script = "cd /opt\n" + "\n".join(
        f"cp {path} /opt/new; {command.replace('%', '/opt/new')} >/opt/said 2>&1 || cat - said <<<{path}"
        for path, command in guarded.items()
    )
    assert machine(script).stdout == ""
    assert len(guarded) >= 5


def test_sites_are_served_and_strangers_are_not(machine):
    server = machine.server
    status = f"http://127.0.0.1:{server.entry('nginx').facts['status_port']}"
    pool = f"http://127.0.0.1:{server.entry('php').facts['status_port']}"
    result = machine(
        f"""
nginx && "php-fpm$php" --daemonize || exit 1
cd /var/www/{SITE}/public
echo '<?php echo "made by ", PHP_SAPI, " ", ini_get("memory_limit");' >index.php
echo secret >.env
echo plain >page.html
get() {{
    : >/tmp/out
    curl -s -o /tmp/out -w '%{{http_code}}' --max-time 5 "$@"
    echo " $1 $(head -c 60 /tmp/out)"
}}
get http://{SITE}/ --resolve {SITE}:80:127.0.0.1
get http://{SITE}/any/route --resolve {SITE}:80:127.0.0.1
get http://{SITE}/page.html --resolve {SITE}:80:[::1]
get http://{SITE}/.env --resolve {SITE}:80:127.0.0.1
get http://{SITE}/none.php --resolve {SITE}:80:127.0.0.1
get http://{SITE}/fpm-status --resolve {SITE}:80:127.0.0.1
get http://unknown.example/ --resolve unknown.example:80:127.0.0.1
get https://unknown.example/ --resolve unknown.example:443:127.0.0.1
get {status}/nginx-status
get {pool}/fpm-ping
url="{pool}/fpm-status?json" /usr/local/lib/munin/plugins/phpfpm_status
url=x /usr/local/lib/munin/plugins/phpfpm_status config
ss -Hltn | awk '{{print "listens", $4}}' | sort -u
"""
    )
    said = result.stdout
    assert result.code == 0, result
    assert f"200 http://{SITE}/ made by fpm-fcgi 192M" in said
    assert f"200 http://{SITE}/any/route made by" in said
    assert f"200 http://{SITE}/page.html plain" in said
    assert f"404 http://{SITE}/.env" in said
    assert f"404 http://{SITE}/none.php" in said
    assert f"200 http://{SITE}/fpm-status made by" in said  # the application's, not the pool's
    assert "000 http://unknown.example/" in said
    assert "000 https://unknown.example/" in said
    assert "/nginx-status Active connections" in said
    assert "/fpm-ping pong" in said
    assert re.search(r"^active\.value 1$", said, re.MULTILINE), said
    assert re.search(r"^active\.critical 24$", said, re.MULTILINE), said
    found = set(re.findall(r"listens (\S+)", said))
    wanted = {
        address
        for listen in server.listens
        if listen.origin in {"nginx", "php"}
        for address in (
            [f"127.0.0.1:{listen.port}"]
            if listen.bind == "loopback"
            else [f"0.0.0.0:{listen.port}", f"[::]:{listen.port}"]
        )
    }
    assert found == wanted


def test_the_customers_own_listener_serves_tls(machine):
    result = machine(
        f"""
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /tmp/k -out /tmp/c -days 1 \
    -subj /CN={SITE} 2>/dev/null
cd /etc/nginx/customer.d/{SITE}
printf 'listen 443 ssl;\\nssl_certificate /tmp/c;\\nssl_certificate_key /tmp/k;\\n' >tls.conf
resolve="--resolve {SITE}:443:127.0.0.1"
nginx && echo plain >/var/www/{SITE}/public/page.html
curl -sk --http2 -w ' %{{http_version}} \\n' https://{SITE}/page.html $resolve
curl -sk --tls-max 1.1 https://{SITE}/page.html $resolve || echo refused
curl -sk https://unknown.example/ --resolve unknown.example:443:127.0.0.1 || echo refused
"""
    )
    assert re.search(r"plain\s+2 ", result.stdout), result
    assert result.stdout.count("refused") == 2


def test_a_reload_keeps_blocks_and_changed_rules_are_put_right(machine):
    result = machine(
        """
nft -f /etc/nftables.conf || exit 1
nft add element inet blocks ipv4 '{ 198.51.100.99 timeout 1h }'
before=$(nft --stateless list chain inet blocks incoming)
nft -f /etc/nftables.conf || exit 1
nft list set inet blocks ipv4 | grep -q 198.51.100.99 && echo "block kept"
[ "$before" = "$(nft --stateless list chain inet blocks incoming)" ] && echo "rules not doubled"
beat=/var/lib/managed-server/heartbeat/firewall
mkdir -p ${beat%/*}
/usr/local/lib/managed-server/firewall-verify && grep '^ok ' $beat
nft insert rule inet managed incoming tcp dport 2222 accept
/usr/local/lib/managed-server/firewall-verify
nft list chain inet managed incoming | grep -q 2222 || echo "hole closed"
nft flush ruleset; rm $beat
/usr/local/lib/managed-server/firewall-verify && [ -e $beat ] &&
    nft list chain inet managed incoming | grep -q drop && echo "rules back"
cp /etc/nftables.conf /tmp/before
sed -i '/dport 80 accept/d' /etc/nftables.conf
exec 9>/run/managed-firewall.lock
flock 9  # as a reload that tries the file
nft -f /etc/nftables.conf
{ sleep 1; nft -f /tmp/before; flock -u 9; } &
/usr/local/lib/managed-server/firewall-verify --check || echo "rules on trial don't count"
wait
echo 'nonsense' >/etc/nftables.conf; rm $beat
/usr/local/lib/managed-server/firewall-verify 2>/dev/null || [ -e $beat ] || echo "no heartbeat"
"""
    )
    lines = result.stdout.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == [
        "block kept", "rules not doubled", "hole closed", "rules back", "rules on trial don't count",
        "no heartbeat",
    ], result  # fmt: skip
    assert any(line.startswith("ok ") for line in lines)


ENDED = """
import os, runpy, signal, sys
program = runpy.run_path("/usr/local/lib/managed-server/firewall-reload")["main"].__globals__
answers = iter([{("mirror.example", 80)}, None])
def reached(wanted):
    answer = next(answers)
    if answer is None:  # the new rules are loaded, and what they leave isn't known yet
        os.kill(os.getpid(), signal.SIGTERM)
    return answer
program["targets"] = lambda: {("mirror.example", 80)}
program["reached"] = reached
sys.exit(program["main"]())
"""


def test_a_reload_that_is_told_to_end_takes_its_rules_back(machine):
    """As by a time limit: rules that cut the machine off would stay, as it takes long to see that they do."""
    result = machine(
        """
nft -f /etc/nftables.conf || exit 1
before=$(nft --stateless list table inet managed)
sed -i '/dport 80 accept/d' /etc/nftables.conf
python3 /opt/ended 2>&1 || echo "ended with $?"
[ "$(nft --stateless list table inet managed)" = "$before" ] && echo "rules from before"
""",
        **{"/opt/ended": TreeFile(ENDED.encode())},
    )
    assert result.stdout.splitlines() == [
        "firewall-reload: told to end while /etc/nftables.conf was tried",
        "firewall-reload: the rules from before are loaded again",
        "ended with 1",
        "rules from before",
    ], result


def test_ssh_lets_in_members_with_a_key_that_is_not_over(machine):
    """A real sshd: the example's own keys have no private half, so a key of this test stands in for them."""
    result = machine(
        """
for key in /etc/ssh/ssh_host_ed25519_key /opt/key; do ssh-keygen -q -t ed25519 -N '' -f $key; done
pub=$(cat /opt/key.pub)
groupadd managed-users
for name in alice bob; do usermod -aG managed-users -s /bin/bash $name; passwd -d $name >/dev/null 2>&1; done
useradd -m -s /bin/bash outsider; passwd -d outsider >/dev/null 2>&1
for name in alice outsider; do echo "$pub" >/etc/ssh/authorized_keys.d/$name; done
echo "expiry-time=\\"20200101235959Z\\" $pub" >/etc/ssh/authorized_keys.d/bob
/usr/sbin/sshd -t && /usr/sbin/sshd -o ListenAddress=127.0.0.1 || exit 1
for name in alice bob outsider root; do
    ssh -i /opt/key -o BatchMode=yes -o StrictHostKeyChecking=no $name@127.0.0.1 true 2>/dev/null &&
        echo "$name in" || echo "$name out"
done
"""
    )
    assert result.stdout.split("\n")[-5:] == ["alice in", "bob out", "outsider out", "root out", ""], result
