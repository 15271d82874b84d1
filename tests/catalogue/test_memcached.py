"""Memcached at work: where it listens, what its check and graphs say, and what it holds."""

import pytest

from tests.runbooks import ended_badly

from .services import Server, as_listens

pytestmark = pytest.mark.machine

START = """
install -d -o memcache -g memcache /run/memcached
/usr/share/memcached/scripts/systemd-memcached-wrapper /etc/memcached.conf &
until_true bash -c '</dev/tcp/127.0.0.1/11211'
"""
PEERS = """
        peers: [web2]"""
OTHER = """      web2: {instance_type: t3.small, disk_gb: 20, software: [nginx]}
"""


@pytest.fixture
def server(root, tmp_path, service_machines):
    return Server(
        root, tmp_path, service_machines, "memcached", "\n        settings: {memcached: {max_item_mb: 2}}"
    )


def test_it_listens_on_the_loopback_address_alone(server):
    said = server.run(
        f"""{START}
sockets; echo; ps -C memcached -o user:20=
"""
    )
    assert server.faults() == []
    sockets, rest = said[: said.index("")], said[said.index("") + 1 :]
    assert as_listens(sockets) == server.listens() == {("tcp", 11211, True)}
    assert rest == ["memcache"]


def test_its_check_and_its_graphs(server):
    said = server.run(
        f"""{START}
{server.check("answers")}
{server.plugins()}
{server.looks()}
exec 3<>/dev/tcp/127.0.0.1/11211; printf 'stats settings\\r\\nquit\\r\\n' >&3
grep -aE 'maxbytes|item_size_max|udpport' <&3 | tr -d '\\r'
kill %1; wait %1; {server.check("answers")}
"""
    )
    assert said[0].startswith("TCP OK")
    drawn = server.drawn(said[1:6])
    assert all(labels == values >= 2 for labels, values in drawn.values()), drawn
    memory = server.server.memory_mb // 8 * 1048576
    assert set(said[6:-1]) == {f"STAT maxbytes {memory}", "STAT item_size_max 2097152", "STAT udpport 0"}
    assert "refused" in said[-1]
    assert ended_badly(server.looked) == []


def test_values_take_half_of_its_memory_at_most(root, tmp_path, service_machines):
    """It ends with 64 else."""
    chosen = "\n        settings: {memcached: {memory_mb: 64, max_item_mb: 128}}"
    server = Server(root, tmp_path, service_machines, "memcached", chosen)
    said = server.run(
        f"""{START}
exec 3<>/dev/tcp/127.0.0.1/11211; printf 'stats settings\\r\\nquit\\r\\n' >&3
grep -aE 'maxbytes|item_size_max' <&3 | tr -d '\\r'; kill %1; wait %1
"""
    )
    assert said == ["STAT maxbytes 67108864", "STAT item_size_max 33554432"]


def test_peers_reach_it(root, tmp_path, service_machines):
    server = Server(root, tmp_path, service_machines, "memcached", PEERS, OTHER)
    said = server.run(f"{START}\nsockets\n{server.check('answers')}")
    assert as_listens(said[:-1]) == server.listens() == {("tcp", 11211, False)}
    assert said[-1].startswith("TCP OK")
    assert server.faults() == []
