"""A machine and its hub exchange certificates: the real programs of both, and a bucket between them."""

import pytest

from tests.hub.machine import HubMachine

pytestmark = pytest.mark.machine


@pytest.fixture(scope="module")
def hub(root, request):
    return HubMachine(root, request.config)


# The AWS CLI's one command that the machine uses, on the same folder; every upload is noted.
AWS = """
cat >/usr/local/bin/aws <<'EOF'
#!/bin/sh
while [ "$1" != cp ]; do shift; done
shift 2
place() {
    case $1 in s3://*) echo "BUCKET/$(echo "${1#s3://*/}" | sed 's,/,%2F,g')" ;; *) echo "$1" ;; esac
}
case $2 in s3://*) echo "given $2" ;; esac >>/opt/uploads
cp "$(place "$1")" "$(place "$2")" 2>/dev/null
EOF
chmod 755 /usr/local/bin/aws
trust() { /usr/local/lib/managed-server/nrpe-trust 2>/dev/null && echo trusted || echo "not yet"; }
/usr/local/lib/managed-server/nrpe-key
"""


def test_a_machine_shows_itself_only_when_it_lets_the_hub_in(hub):
    """And again where it must: another bucket, another key, a day later."""
    result = hub.run(
        AWS
        + r"""
trust; ls BUCKET | grep -c machines
HUB/fleet 2>/dev/null
trust; cmp BUCKET/hub%2Fnrpe.pem /etc/nagios/tls/hub.pem && echo "hub let in"
cat BUCKET/machines* | cmp - /etc/nagios/tls/machine.pem && echo shown
trust; wc -l </opt/uploads
rm BUCKET/machines*; touch -d '25 hours ago' /var/lib/managed-server/nrpe-given; trust
ls BUCKET | grep -c machines
sed -i 's,^fleet=s3://,&other-,' /usr/local/lib/managed-server/nrpe-trust; trust
tail -n 1 /opt/uploads; grep nrpe /opt/told
"""
    )
    bucket = hub.customer.runs_hub.fleet_bucket
    key = f"machines/{hub.customer.account_id}/hub-mon1/nrpe.pem"
    assert result.stdout.splitlines() == [
        "not yet",
        "0",
        "trusted",
        "hub let in",
        "shown",
        "trusted",
        "1",
        "trusted",
        "1",
        "trusted",
        f"given s3://other-{bucket}/{key}",
        "told: try-restart nagios-nrpe-server.service",
    ], result


def test_a_real_hub_is_answered_and_a_stranger_is_not(hub):
    """NRPE and check_nrpe with the certificates that were exchanged, as Nagios is configured."""
    result = hub.run(
        AWS
        + r"""
HUB/fleet 2>/dev/null; trust
sed -i 's/^allowed_hosts=.*/allowed_hosts=127.0.0.1/' /etc/nagios/nrpe.d/managed.cfg
install -d -o nagios /run/nagios
setpriv --reuid nagios --regid nagios --init-groups nrpe -c /etc/nagios/nrpe.cfg -f >/dev/null 2>&1 & nrpe=$!
for i in $(seq 600); do ss -Hltn | grep -q :5666 && break; sleep 0.1; done
mkdir -p /var/lib/managed-server/hub/machines
install -m 0644 BUCKET/machines* /var/lib/managed-server/hub/machines/itself.pem
line=$(grep -h 'check_nrpe -H' /etc/nagios4/conf.d/managed/base.cfg | sed 's/^ *command_line *//')
ask() {
    command=$(echo "$line" | sed 's,\$USER1\$,/usr/lib/nagios/plugins,; s,\$HOSTADDRESS\$,127.0.0.1,
        s,\$ARG2\$,10,; s,\$ARG1\$,check_nrpe_zombies,; s,\$HOSTNAME\$,itself,')
    setpriv --reuid nagios --regid nagios --init-groups sh -c "$command" 2>&1 | head -1
}
ask
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj /CN=x \
    -keyout /opt/x.key -out /opt/x.pem 2>/dev/null
cp /var/lib/managed-server/hub/machines/itself.pem /opt/good.pem
cat /opt/x.pem >/var/lib/managed-server/hub/machines/itself.pem; echo "machine that isn't it: $(ask)"
cat /opt/good.pem >/var/lib/managed-server/hub/machines/itself.pem
cat /opt/x.key >/etc/nagios4/tls/hub.key; cat /opt/x.pem >/etc/nagios4/tls/hub.pem
echo "hub that isn't it: $(ask)"
kill $nrpe
"""
    )
    said = result.stdout.splitlines()
    assert said[0] == "trusted", result
    assert said[1].startswith("PROCS OK"), result
    assert "PROCS" not in said[2], result
    assert "PROCS" not in said[3], result
    assert len(said) == 4
