"""What a server makes of the addresses that it is told: the firewall's sets, and /etc/hosts."""

import pytest

from managed_server.local.debian.run import TreeFile

from .support import customer, files_of, run_script

pytestmark = pytest.mark.machine

DATABASE = """
      db1:
        instance_type: t3.large
        disk_gb: 80
        software: [percona]
        peers: [web1]
"""
IDENTITY = """MANAGED_DELIVERY_BUCKET=bucket
MANAGED_POINTER_KEY=servers/web1/current.json
AWS_REGION=eu-west-2
"""
AWS = """#!/bin/sh
[ "$*" = '--region eu-west-2 s3 cp --only-show-errors s3://bucket/servers/web1/peers.json -' ] || exit 9
cat /opt/told 2>/dev/null
"""
RUN = """
export PATH=/opt/bin:$PATH
heartbeat=/var/lib/managed-server/heartbeat/peers
mkdir -p "${heartbeat%/*}"
peers() { /usr/local/lib/managed-server/peers 2>&1 | grep -v '^peers: ok'; echo "exit ${PIPESTATUS[0]}"; }
elements() { nft -j list set inet managed peer-db1 | jq -c '.nftables[1].set.elem'; }
own() { grep -A1 '# managed-peers: this' /etc/hosts | tail -n 1; }
"""


@pytest.fixture
def run(root, tmp_path, machines):
    release, tree = machines
    spec = customer(
        tmp_path, {"www.acme.example]\n": f"www.acme.example]\n        debian: {release}{DATABASE}"}
    )
    # The customer's first server is the database; these are the files of the other one.
    spec = type(spec)(**{f: getattr(spec, f) for f in spec.__slots__} | {"servers": (spec.server("web1"),)})
    files = files_of(root, spec, ["peers", "firewall"])
    files["/etc/managed-server/identity"] = TreeFile(IDENTITY.encode())
    files["/opt/bin/aws"] = TreeFile(AWS.encode(), mode=0o755)

    def run(script):
        result = run_script(tree, f"{RUN}\n{script}\necho done", files)
        lines = result.stdout.splitlines()
        assert lines[-1:] == ["done"], result
        return lines[:-1]

    return run


def test_it_fills_the_loaded_rules_and_the_hosts_file(run):
    said = run(
        """
nft -f /etc/nftables.conf
echo '192.0.2.1 kept' >>/etc/hosts
echo '{"db1": {"ipv4": "10.80.0.5"}, "stranger": {"ipv4": "10.80.0.66"}}' >/opt/told; peers
elements; own; grep -c stranger /etc/hosts; grep -c kept /etc/hosts
echo '{"db1": {"ipv4": "10.80.0.6"}}' >/opt/told; peers; elements; own; grep -c managed-peers /etc/hosts
nft -f /etc/nftables.conf; elements; cat $heartbeat
"""
    )
    assert said == [
        *("exit 0", '["10.80.0.5"]', "10.80.0.5 db1 acme-db1", "0", "1"),
        *("exit 0", '["10.80.0.6"]', "10.80.0.6 db1 acme-db1", "2"),
        *('["10.80.0.6"]', "ok 1 servers"),
    ]


@pytest.mark.parametrize(
    "told",
    [
        "",
        "{",
        "[]",
        '{"db1": {"ipv4": "10.80.0.5; drop"}}',
        '{"db1": {"ipv4": "198.51.100.5"}}',
        '{"db1": 1}',
    ],
)
def test_what_cant_be_used_changes_nothing(run, told):
    said = run(
        f"""
nft -f /etc/nftables.conf
echo '{{"db1": {{"ipv4": "10.80.0.5"}}}}' >/opt/told; peers
rm $heartbeat; echo '{told}' >/opt/told; peers | tail -n 1; elements; own; ls ${{heartbeat%/*}}
"""
    )
    assert said == ["exit 0", "exit 1", '["10.80.0.5"]', "10.80.0.5 db1 acme-db1"]


def test_a_server_that_isnt_there_yet_is_told(run):
    said = run("echo '{}' >/opt/told; peers; ls /var/lib/managed-server ${heartbeat%/*}")
    assert said == [
        *("peers: nothing says where db1 is", "exit 1"),
        *("/var/lib/managed-server:", "heartbeat", "", "/var/lib/managed-server/heartbeat:"),
    ]


def test_rules_of_a_bundle_without_the_link_are_taken_and_so_are_those_with_it_before_anybody_is_known(run):
    """Back to an older bundle, or on to one that no longer knows a server: what was learned is no fault."""
    said = run(
        """
nft -f /etc/nftables.conf && echo "nobody known"
printf 'add element inet managed peer-old { 10.80.0.9 }\\n' >/tmp/old; mkdir -p /var/lib/managed-server/peers
cp /tmp/old /var/lib/managed-server/peers/peer-old.nft
nft -c -f /etc/nftables.conf && echo "another one known"
cp /tmp/old /var/lib/managed-server/peers/managed.nft
echo '{"db1": {"ipv4": "10.80.0.5"}}' >/opt/told; peers; ls /var/lib/managed-server/peers
nft -f /etc/nftables.conf; elements
"""
    )
    assert said == [
        "nobody known",
        "another one known",
        "exit 0",
        "blocks-peer-db1.nft",
        "peer-db1.nft",
        '["10.80.0.5"]',
    ]


def test_no_block_cuts_off_another_server_of_the_customer(run):
    """Its address is in the set at once, after a reload, and after a move."""
    said = run(
        """
blocks() { nft -j list set inet blocks peer-db1 | jq -c '.nftables[1].set.elem'; }
nft -f /etc/nftables.conf; blocks
echo '{"db1": {"ipv4": "10.80.0.5"}}' >/opt/told; peers; blocks
nft add element inet blocks ipv4 '{ 10.80.0.5 timeout 1h }'
nft -f /etc/nftables.conf; blocks; nft -j list set inet blocks ipv4 | jq -c '.nftables[1].set.elem[].elem.val'
nft list chain inet blocks incoming | grep -E 'peer-db1|@ipv4' | tr -d '\t'
echo '{"db1": {"ipv4": "10.80.0.6"}}' >/opt/told; peers; blocks
rm /var/lib/managed-server/peers/*; nft -f /etc/nftables.conf && blocks
"""
    )
    assert said == [
        *("null", "exit 0", '["10.80.0.5"]', '["10.80.0.5"]', '"10.80.0.5"'),
        *("ip saddr @peer-db1 accept", "ip saddr @ipv4 drop"),
        *("exit 0", '["10.80.0.6"]', "null"),
    ]
