"""A throw-away machine with the hub's own files: Debian's programs, a bucket in a folder, kept mail."""

import base64
import email
import email.policy
import re
from pathlib import Path
from urllib.parse import quote

from managed_server.inputs import load_project
from managed_server.local.debian.run import Command, Layout, TreeFile, run_all
from managed_server.rendering import render_server
from managed_server.resolve import resolve_stack
from tests import trees
from tests.hub.support import Bucket

ORIGINS = ("munin", "nagios", "nrpe")
PROGRAMS = "/usr/local/lib/managed-server/hub"
SMALL_S3 = Path(__file__).with_name("small_s3.py").read_bytes()

SENDMAIL = b"""#!/bin/sh
[ ! -e /opt/no-mail ] || exit 75
cat >"/opt/mail-$(ls /opt/mail-* 2>/dev/null | wc -l)"
"""
SYSTEMCTL = b"""#!/bin/sh
echo "told: $*" >>/opt/told
"""
START = """
set -u
ip link set lo up
export AWS_ENDPOINT_URL=http://127.0.0.1:8099 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x
python3 /opt/small_s3.py /opt/s3 8099 & s3=$!
for i in $(seq 600); do curl -s -o /dev/null http://127.0.0.1:8099/ && break; sleep 0.1; done
fleet() { HUB/fleet 2>/dev/null; cat /var/lib/managed-server/heartbeat/fleet; }
hosts() { (cd /var/lib/managed-server/hub/current/nagios/hosts && echo *.cfg); }
HUB/hub-key
"""
NOTIFY = "setpriv --reuid nagios --regid nagios --init-groups HUB/notify"


class HubMachine:
    """What a hub's bundle makes of a Debian tree. In scripts, HUB/ and BUCKET are the folders of these."""

    def __init__(self, root, config):
        project = load_project(root)
        self.customer = resolve_stack(project, "hub")[0]
        self.server = self.customer.servers[0]
        self.tree = trees.tree(13, config, hub=True)
        self.files = {
            file.path: TreeFile(file.content, file.owner, file.group, int(file.mode, 8))
            for file in render_server(root / "templates", self.customer, self.server)
            if file.origin in ORIGINS
        }

    def run(self, script, bucket=None, *, timeout=120, files=None):
        """Run a bash script; the bucket holds what the fleet published."""
        own = [d for d in self.server.directories if d.origin in ORIGINS]
        made = "\n".join(f"install -d -o {d.owner} -g {d.group} -m {d.mode} {d.path}" for d in own)
        place = f"/opt/s3/{self.customer.runs_hub.fleet_bucket}"
        text = (made + START + script).replace("HUB/", f"{PROGRAMS}/").replace("BUCKET", place)
        objects = (bucket or Bucket()).objects
        extra = {
            "/opt/script": (text + "\nkill $s3\n").encode(),
            "/opt/small_s3.py": SMALL_S3,
            f"{place}/keep": b"",
            **{f"{place}/{quote(key, '')}": content for key, content in objects.items()},
            **(files or {}),
        }
        layout = Layout(
            {
                **self.files,
                "/usr/sbin/sendmail": TreeFile(SENDMAIL, mode=0o755),
                "/usr/bin/systemctl": TreeFile(SYSTEMCTL, mode=0o755),
                **{
                    path: content if isinstance(content, TreeFile) else TreeFile(content)
                    for path, content in extra.items()
                },
            },
            links={link.path: link.target for link in self.server.links if link.origin in ORIGINS},
            absent=[gone.path for gone in self.server.removed if gone.origin in ORIGINS],
            hostname=self.server.host_name,
        )
        result = run_all(self.tree, [Command(["bash", "/opt/script"], timeout)], layout)[0]
        assert not result.timed_out, result
        return result

    def sent(self, script):
        """Run a script that sends messages; returns the mails, the other lines of output, and the result."""
        show = 'for f in $(ls /opt/mail-* 2>/dev/null | sort -V); do echo "mail $(base64 -w0 "$f")"; done'
        result = self.run(f"chmod 777 /opt; umask 0\n{script}\n{show}")
        lines = result.stdout.splitlines()
        mails = [
            email.message_from_bytes(base64.b64decode(line[5:]), policy=email.policy.default)
            for line in lines
            if line.startswith("mail ")
        ]
        return mails, [line for line in lines if not line.startswith("mail ")], result


def notify(**changes):
    """A message of a fault as Nagios starts it: its macros in the environment."""
    own = {
        "CONTACTNAME": "page",
        "CONTACTEMAIL": "page@hosting.example",
        "NOTIFICATIONTYPE": "PROBLEM",
        "HOSTNAME": "example-web1",
        "HOSTADDRESS": "198.51.100.64",
        "SERVICEDESC": "nginx-status",
        "SERVICEDISPLAYNAME": "nginx: the status page answers",
        "SERVICESTATE": "CRITICAL",
        "SERVICEOUTPUT": "connect to port 8190: Connection refused; `id` $(id)",
        "SERVICEPROBLEMID": "7",
        "LASTSERVICEPROBLEMID": "3",
        "SERVICENOTIFICATIONNUMBER": "1",
        "LASTSERVICESTATECHANGE": "1795996800",
        "_HOSTCUSTOMER": "example",
        "_HOSTCUSTOMER_NAME": "Example Widgets Ltd",
        "_HOSTSERVER": "web1",
        "_HOSTMAINTENANCE": "sunday 03:00 UTC",
        "_SERVICEPRIORITY": "urgent",
        "_SERVICEMINUTES": "15",
        "_SERVICEWORKING_DAYS": "0",
        "_SERVICEPHONE": "1",
        "_SERVICEIN_SLA": "1",
        "_SERVICERUNBOOK": "docs/runbooks/web.md",
    } | changes
    words = " ".join(f"NAGIOS_{name}={_quoted(value)}" for name, value in own.items() if value is not None)
    about = "service" if own["SERVICEDESC"] is not None else "host"
    return f"env {words} {NOTIFY} {about}"


def _quoted(value):
    return "'" + value.replace("'", "'\\''") + "'"


def body(mail):
    """The lines `Name: value` of a mail's text."""
    return {
        name.strip(): value.strip()
        for name, _, value in (line.partition(":") for line in mail.get_content().splitlines())
        if re.fullmatch(r"[A-Z][A-Za-z ]+", name)
    }
