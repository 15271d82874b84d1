"""Redis at work: where it listens, what its checks and graphs say, and that its data survive."""

# ruff: noqa: E501  lines of the shell

import pytest

from managed_server.local.debian.run import TreeFile

from .support import customer, files_of, run_script

pytestmark = pytest.mark.machine

START = """
install -d -o redis -g redis /run/redis
start() {
    setpriv --reuid redis --regid redis --init-groups redis-server /etc/redis/redis.conf &
    for _ in $(seq 600); do redis-cli ping >/dev/null 2>&1 && break; sleep 0.1; done
}
start
as() { setpriv --reuid nagios --clear-groups "$@"; }
useradd --system nagios 2>/dev/null
"""


@pytest.fixture
def server(root, tmp_path, machines):
    release, tree = machines
    changes = {
        "software: [nginx, php]": "software: [nginx, php, redis]",
        "disk_gb: 80": f"disk_gb: 80\n        debian: {release}\n        settings: {{redis: {{maxmemory_policy: noeviction}}}}",
    }
    spec = customer(tmp_path, changes)
    files = files_of(root, spec, ["redis"])

    def run(script):
        result = run_script(tree, f"{START}\n{script}\necho done", files)
        lines = result.stdout.splitlines()
        assert lines[-1:] == ["done"], result
        return lines[:-1]

    run.spec = spec.servers[0]
    return run


def test_it_listens_on_the_loopback_address_alone_and_keeps_its_data(server):
    said = server(
        """
ss -Hltn | awk '{print "listens", $4}'
ps -C redis-server -o user=
redis-cli config get maxmemory | tail -n 1; redis-cli config get maxmemory-policy | tail -n 1
redis-cli set a 1 >/dev/null
redis-cli shutdown save; wait; start; redis-cli get a
stat -c %U:%a /var/lib/redis/dump.rdb
"""
    )
    assert said[:5] == ["listens 127.0.0.1:6379", "redis", str(1024 * 1024 * 1024), "noeviction", "1"]
    assert said[5].startswith("redis:6")


def test_its_checks(server):
    commands = {check.name: check.command for check in server.spec.checks if check.origin == "redis"}
    assert set(commands) == {"redis-answers", "redis-saves"}
    ping, saves = (
        f"as sh -c {quoted(commands[f'redis-{name}'])} | head -n 1 | cut -d ' ' -f 1-3; "
        for name in ("answers", "saves")
    )
    said = server(
        f"""
{ping}{saves}
rm -r /var/lib/redis; : >/var/lib/redis
redis-cli bgsave >/dev/null
while redis-cli info persistence | grep -q rdb_bgsave_in_progress:1; do sleep 0.1; done
{saves} redis-cli set b 2 | head -n 1
redis-cli shutdown nosave; wait; {ping}{saves}
"""
    )
    assert said[:2] == ["OK - it", "OK - changes"]
    assert said[2] == "CRITICAL - rdb_last_bgsave_status:"
    assert said[3].startswith("MISCONF")
    assert said[4].startswith("CRITICAL - Could")
    assert said[5].startswith("UNKNOWN - Redis")


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def test_each_munin_plugin_has_figures(server):
    plugins = [plugin for plugin in server.spec.munin if plugin.name.startswith("redis_")]
    assert len(plugins) == 4
    said = [
        line.split()
        for line in server(
            "chmod 711 /opt\n"
            + "\n".join(
                f"ln -s {plugin.plugin} /opt/{plugin.name}\n"
                f"echo {plugin.name} $(as /opt/{plugin.name} config | grep -c '[.]label') "
                f"$(as /opt/{plugin.name} | grep -c 'value [0-9]')"
                for plugin in plugins
            )
        )
    ]
    assert [name for name, _, _ in said] == [plugin.name for plugin in plugins]
    for name, labels, values in said:
        assert int(labels) == int(values) > 1, name


PEERS = """        peers: [web2]
      web2: {instance_type: t3.small, disk_gb: 20, software: [nginx]}
"""


def test_peers_say_a_password_and_checks_need_none(root, tmp_path, machines):
    release, tree = machines
    changes = {
        "software: [nginx, php]": "software: [nginx, php, redis]",
        "disk_gb: 80": f"disk_gb: 80\n        debian: {release}",
        "        sites: [www.acme.example]\n": PEERS,
    }
    spec = customer(tmp_path, changes)
    [secret] = spec.servers[0].secrets
    files = files_of(root, spec, ["redis"])
    text = secret.text.replace("{secret}", "s3cret-_x").encode()
    files[secret.path] = TreeFile(text, secret.owner, secret.group, int(secret.mode, 8))
    [answers] = [check.command for check in spec.servers[0].checks if check.name == "redis-answers"]
    result = run_script(
        tree,
        f"""{START}
ss -Hltn | awk '{{print "listens", $4}}'
redis-cli get a; redis-cli -a s3cret-_x --no-auth-warning set a 1
redis-cli --user monitor --pass none --no-auth-warning get a
as sh -c {quoted(answers)}
as cat {secret.path} 2>&1 | tail -n 1
""",
        files,
    )
    said = [line for line in result.stdout.splitlines() if line]
    assert said[0] == "listens 0.0.0.0:6379"
    assert said[1].startswith("NOAUTH")
    assert said[2] == "OK"
    assert said[3].startswith("NOPERM")
    assert said[4] == "OK - it answers"
    assert said[5].endswith("Permission denied")


PREPARED = """
conf=/etc/redis/redis.conf
prepare=$(sed -n 's/^ExecStartPre=+//p' /etc/systemd/system/redis-server.service.d/managed.conf)
chosen() { sed -i "s/^appendonly .*/appendonly $1/" $conf; }
begin() { $prepare && start; }
end() { redis-cli shutdown; wait; }  # what SIGTERM does
killed() { kill -KILL $(pidof redis-server); wait; } 2>/dev/null
keys() { redis-cli dbsize; }
put() { for key in "$@"; do redis-cli set $key 1 >/dev/null; done; }
end
"""


@pytest.fixture
def prepared(server):
    return lambda script: server(f"{PREPARED}\n{script}")


def test_data_outlive_each_choice_of_append_only(prepared):
    said = prepared(
        """
chosen no; begin; put a b c; end
chosen yes; begin; keys; put d; end
begin; keys; end
chosen no; begin; keys; put e; end
ls /var/lib/redis
chosen yes; begin; keys
find /var/lib/redis ! -user redis
"""
    )
    assert said == ["3", "4", "4", "dump.rdb", "5"]


def test_what_a_crash_left_in_the_append_only_files_alone_is_kept_without_them(prepared):
    said = prepared(
        """
chosen yes; begin; put a; end; begin; put b c
sleep 1.5; killed 2>/dev/null
chosen no; begin; keys; ls /var/lib/redis; end
"""
    )
    assert said == ["3", "dump.rdb"]


def test_append_only_files_that_cannot_be_read_are_not_thrown_away(prepared):
    said = prepared(
        """
chosen yes; begin; put a b; sleep 1.5; killed 2>/dev/null
aof=$(echo /var/lib/redis/appendonlydir/*.base.*); echo broken >$aof
chosen no; begin 2>&1 | grep -o "can't be read"; ls /var/lib/redis/appendonlydir | wc -l
"""
    )
    assert said == ["can't be read", "3"]


def test_a_start_that_was_cut_off_and_a_backup_that_lacks_a_file_begin_with_the_dump(prepared):
    said = prepared(
        """
chosen no; begin; put a b; end
install -d -o redis -g redis /var/lib/redis/appendonlydir.new; : >/var/lib/redis/appendonlydir.new/half
chosen yes; begin; keys; put c; end
rm /var/lib/redis/appendonlydir/*.base.rdb
begin; keys; end
"""
    )
    assert said == ["2", "3"]
