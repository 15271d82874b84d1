"""The instance metadata service (version 2, with tokens), as EC2 documents it.

It knows the machine by the address that a connection comes from. What it says is what the local AWS knows.
"""

import json
import re
import secrets
import socket
import time
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from managed_server.local.box.instances import Instances, Machine

# EC2 user guide, "Use the Instance Metadata Service".
_LONGEST = 21_600  # seconds that a token may last
_TTL = "X-aws-ec2-metadata-token-ttl-seconds"
_TOKEN = "X-aws-ec2-metadata-token"  # noqa: S105 - the header's name
_VERSION = re.compile(r"latest|\d{4}-\d{2}-\d{2}|1\.0")
_KEPT = 3.0  # seconds

Tree = dict[str, Any]
"""Texts, or what gives them when it is asked for, or trees."""


def tree(machine: Machine, instances: Instances) -> Tree:
    """Everything below a version, for a machine."""
    found = instances.describe(machine)
    user_data = instances.user_data(machine)
    top: Tree = {
        "meta-data": _meta_data(machine, found, instances),
        "dynamic": {"instance-identity": {"document": _identity(machine, found)}},
    }
    if user_data is not None:
        top["user-data"] = user_data
    return top


def _meta_data(machine: Machine, found: dict[str, Any], instances: Instances) -> Tree:
    interface = found["NetworkInterfaces"][0]
    zone = found["Placement"]["AvailabilityZone"]
    data: Tree = {
        "ami-id": found["ImageId"],
        "ami-launch-index": str(found["AmiLaunchIndex"]),
        "hostname": found["PrivateDnsName"],
        "instance-action": "none",
        "instance-id": machine.instance_id,
        "instance-life-cycle": "on-demand",
        "instance-type": found["InstanceType"],
        "local-hostname": found["PrivateDnsName"],
        "local-ipv4": found["PrivateIpAddress"],
        "mac": machine.mac,
        "network": {"interfaces": {"macs": {machine.mac: _interface(machine, found, interface)}}},
        "placement": {"availability-zone": zone, "region": machine.region},
        "security-groups": "\n".join(group["GroupName"] for group in found["SecurityGroups"]),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if found.get("PublicIpAddress"):
        data |= {"public-hostname": found["PublicDnsName"], "public-ipv4": found["PublicIpAddress"]}
    profile = instances.profile(machine)
    if profile:
        data["iam"] = _iam(machine, profile, instances)
    return data


def _interface(machine: Machine, found: dict[str, Any], interface: dict[str, Any]) -> Tree:
    data: Tree = {
        "device-number": "0",
        "interface-id": interface["NetworkInterfaceId"],
        "local-hostname": found["PrivateDnsName"],
        "local-ipv4s": found["PrivateIpAddress"],
        "mac": machine.mac,
        "owner-id": machine.account_id,
        "security-group-ids": "\n".join(group["GroupId"] for group in found["SecurityGroups"]),
        "subnet-id": found["SubnetId"],
        "vpc-id": found["VpcId"],
    }
    if found.get("PublicIpAddress"):
        data |= {"public-hostname": found["PublicDnsName"], "public-ipv4s": found["PublicIpAddress"]}
    return data


def _iam(machine: Machine, profile: dict[str, Any], instances: Instances) -> Tree:
    [role] = profile["Roles"]

    def credentials() -> str:
        given = instances.credentials(machine, role["Arn"])
        return json.dumps(
            {
                "Code": "Success",
                "LastUpdated": _time(given.given),
                "Type": "AWS-HMAC",
                "AccessKeyId": given.access_key,
                "SecretAccessKey": given.secret_key,
                "Token": given.token,
                "Expiration": _time(given.expires),
            },
            indent=2,
        )

    info = {
        "Code": "Success",
        "LastUpdated": _time(profile["CreateDate"]),
        "InstanceProfileArn": profile["Arn"],
        "InstanceProfileId": profile["InstanceProfileId"],
    }
    return {"info": json.dumps(info, indent=2), "security-credentials": {role["RoleName"]: credentials}}


def _identity(machine: Machine, found: dict[str, Any]) -> str:
    return json.dumps(
        {
            "accountId": machine.account_id,
            "architecture": found["Architecture"],
            "availabilityZone": found["Placement"]["AvailabilityZone"],
            "imageId": found["ImageId"],
            "instanceId": machine.instance_id,
            "instanceType": found["InstanceType"],
            "pendingTime": _time(found["LaunchTime"]),
            "privateIp": found["PrivateIpAddress"],
            "region": machine.region,
            "version": "2017-09-30",
        },
        indent=2,
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def look_up(top: Tree, path: list[str]) -> bytes | None:
    """The text at a path, or what a folder holds, one a line; None where there is nothing."""
    place: Any = top
    for name in path:
        if not isinstance(place, dict) or name not in place:
            return None
        place = place[name]
    if callable(place):
        place = place()
    if isinstance(place, dict):
        place = "\n".join(f"{name}/" if isinstance(below, dict) else name for name, below in place.items())
    return place if isinstance(place, bytes) else str(place).encode()


class Metadata(ThreadingHTTPServer):
    """The service, on a socket that listens already."""

    daemon_threads = True

    def __init__(
        self,
        listener: socket.socket,
        machine_at: Callable[[str], Machine | None],
        instances: Callable[[], Instances],
    ) -> None:
        """`machine_at`: the machine of an address; `instances`: of the local AWS that runs at that moment."""
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.machine_at, self.instances = machine_at, instances
        self.tokens: dict[str, tuple[str, float]] = {}
        """Machine and end (monotonic seconds) by token."""
        self._trees: dict[str, tuple[Tree, float]] = {}

    def tree(self, machine: Machine) -> Tree:
        """What there is for a machine; kept for a moment, as clients ask for one item after the other."""
        known, read = self._trees.get(machine.name, ({}, 0.0))
        if not known or time.monotonic() - read > _KEPT:
            known, read = tree(machine, self.instances()), time.monotonic()
            self._trees[machine.name] = known, read
        return known


class _Handler(BaseHTTPRequestHandler):
    server: Metadata
    server_version = "EC2ws"
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds for a silent connection

    def do_PUT(self) -> None:
        """Give a token."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        machine = self.server.machine_at(self.client_address[0])
        wanted = self.headers.get(_TTL, "")
        if self.path.rstrip("/") != "/latest/api/token" or machine is None:
            self._answer(HTTPStatus.NOT_FOUND)
        elif "X-Forwarded-For" in self.headers:
            self._answer(HTTPStatus.FORBIDDEN)
        elif not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= _LONGEST):
            self._answer(HTTPStatus.BAD_REQUEST)
        else:
            token = secrets.token_urlsafe(40)
            self.server.tokens[token] = (machine.name, time.monotonic() + int(wanted))
            self._answer(HTTPStatus.OK, token.encode(), {_TTL: wanted})

    def do_GET(self) -> None:
        """Tell what is asked for; without a token, nothing."""
        machine = self.server.machine_at(self.client_address[0])
        owner, end = self.server.tokens.get(self.headers.get(_TOKEN, ""), ("", 0.0))
        if machine is None:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        if owner != machine.name or end < time.monotonic():
            self._answer(HTTPStatus.UNAUTHORIZED)
            return
        version, *path = [part for part in self.path.partition("?")[0].split("/") if part] or [""]
        if not _VERSION.fullmatch(version):
            self._answer(HTTPStatus.NOT_FOUND)
            return
        try:
            found = look_up(self.server.tree(machine), path)
        except Exception as error:  # noqa: BLE001 - whatever it is: EC2 would say 500, and its clients try again
            self.log_message("%s: %s: %s", machine.name, self.path, error)
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        self._answer(HTTPStatus.NOT_FOUND if found is None else HTTPStatus.OK, found)

    def _answer(
        self, status: HTTPStatus, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> None:
        content = body if body is not None else f"{status.value} - {status.phrase}".encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/plain",
            "Content-Length": str(len(content)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
