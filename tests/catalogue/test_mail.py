"""The null client: real mail from this server's programs, as a relay with and without TLS receives it."""

# ruff: noqa: E501  lines of the shell

import json

import pytest

from managed_server.local.debian.run import TreeFile

from .support import customer, files_of, run_script

pytestmark = pytest.mark.machine

# Takes mail, and writes down a line of JSON for each: to whom, and whether the line was encrypted.
RELAY = b"""
import asyncio, json, ssl, sys
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if "tls" in sys.argv else None
if context:
    context.load_cert_chain("/tmp/relay.pem", "/tmp/relay.key")
async def serve(reader, writer):
    to, secret = [], False
    say = lambda text: writer.write(text.encode() + b"\\r\\n")
    say("220 relay.example ESMTP")
    while line := (await reader.readline()).decode().strip():
        word = line.upper()
        if word.startswith("EHLO"):
            say("250-relay.example" if context and not secret else "250 relay.example")
            if context and not secret:
                say("250 STARTTLS")
        elif word == "STARTTLS":
            say("220 go on")
            await writer.start_tls(context)
            secret = True
        elif word.startswith("RCPT TO:"):
            to.append(line[8:].split(">")[0].strip("< "))
            say("250 ok")
        elif word == "DATA":
            say("354 go on")
            while (await reader.readline()) != b".\\r\\n":
                pass
            with open("/tmp/received", "a") as out:
                print(json.dumps({"to": to, "secret": secret}), file=out)
            say("250 ok")
        elif word == "QUIT":
            say("221 bye")
            break
        else:
            say("250 ok")
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.2", 587)
    await server.serve_forever()
asyncio.run(main())
"""

START = """
export LC_ALL=C
rm -f /etc/mailname; echo '127.0.0.2 mail.hosting.example' >>/etc/hosts
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=mail.hosting.example \
    -keyout /tmp/relay.key -out /tmp/relay.pem 2>/dev/null
: >/tmp/received
postfix check >/dev/null 2>&1; /usr/lib/postfix/configure-instance.sh - >/dev/null 2>&1; postfix start >/dev/null 2>&1
useradd --system nagios 2>/dev/null
relay() { python3 /opt/relay "$@" & for _ in $(seq 600); do ss -Hltn | grep -q :587 && break; sleep 0.1; done; }
waiting() { for _ in $(seq 600); do [ $(wc -l </tmp/received) -ge $1 ] && break; sleep 0.1; done; cat /tmp/received; }
"""


@pytest.fixture
def server(root, tmp_path, machines):
    release, tree = machines

    def run(script, tls="encrypt"):
        changes = {
            "disk_gb: 80": f"disk_gb: 80\n        debian: {release}\n        settings: {{mail: {{tls: {tls}}}}}"
        }
        spec = customer(tmp_path, changes)
        files = {**files_of(root, spec, ["mail"]), "/opt/relay": TreeFile(RELAY)}
        result = run_script(tree, f"{START}\n{script}\npostfix stop 2>/dev/null\necho done", files)
        lines = result.stdout.splitlines()
        assert lines[-1:] == ["done"], result
        run.commands = {
            check.name: check.command for check in spec.servers[0].checks if check.origin == "mail"
        }
        return lines[:-1]

    return run


def test_mail_goes_to_the_relay_encrypted_and_to_the_right_people(server):
    said = server(
        """
relay tls
for to in root alice clamav@$(postconf -h myhostname) www-data someone@elsewhere.example; do
    echo "Subject: x" | sendmail $to
    sleep 0.3
done
waiting 5
ss -Hltn | awk '{print "listens", $4}' | grep ':25$'
ps -C master -o user=,comm=; ps -C qmgr -o user=,comm=
"""
    )
    mails = [json.loads(line) for line in said if line.startswith("{")]
    ticket, contact = "ticket@hosting.example", "alice@acme.example"
    assert sorted(mail["to"][0] for mail in mails) == sorted(
        [ticket, ticket, contact, contact, "someone@elsewhere.example"]
    )
    assert all(mail["secret"] for mail in mails)
    assert [line.split() for line in said[-3:]] == [
        ["listens", "127.0.0.1:25"], ["root", "master"], ["postfix", "qmgr"],
    ]  # fmt: skip


def test_nothing_goes_out_in_the_clear_unless_the_stack_file_lets_it(server):
    script = """
relay
echo "Subject: x" | sendmail root
"""
    said = server(
        script
        + "for _ in $(seq 600); do mailq | grep -q TLS && break; sleep 0.1; done; mailq; cat /tmp/received"
    )
    assert any("TLS is required" in line for line in said), said
    assert not any(line.startswith("{") for line in said)
    assert server(script + "waiting 1", tls="may") == ['{"to": ["ticket@hosting.example"], "secret": false}']


@pytest.mark.soak  # two minutes
def test_what_waited_for_the_relay_goes_out_soon_after_it_is_back(server):
    said = server(
        """
        echo page | sendmail -f nagios page@hosting.example
        for _ in $(seq 600); do mailq | grep -q "Connection refused" && break; sleep 0.1; done
        mailq | grep -c "Connection refused"
        relay tls
        began=$(date +%s)
        for _ in $(seq 200); do [ -s /tmp/received ] && break; sleep 1; done
        cat /tmp/received
        echo $(($(date +%s) - began))
        """
    )
    refused, received, seconds = said
    assert refused == "1"
    assert json.loads(received)["to"] == ["page@hosting.example"]
    assert (
        int(seconds) < 150
    )  # at most two runs of the queue, a minute apart; by Postfix' defaults, up to ten minutes


def test_its_checks(server):
    server("")
    queue, smtp = (
        f"setpriv --reuid nagios --clear-groups {server.commands[name]} | cut -d '|' -f 1; "
        for name in ("mail-queue", "mail-smtp")
    )
    said = server(
        f"""
{queue}{smtp}
for n in $(seq 51); do echo x | sendmail root; done
sleep 1; {queue}
postfix stop; {smtp}
"""
    )
    assert said[0].startswith("OK: ")
    assert said[1].startswith("SMTP OK")
    assert said[2].startswith("WARNING: ")
    assert said[3].startswith(("CRITICAL", "connect"))
