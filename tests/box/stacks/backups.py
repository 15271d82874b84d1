"""Something to back up, the bucket that it goes to, and what a restore answers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.box.stacks.fleet import Server

FOLDERS = "/var/www/site.example /home/alice/files"
PICTURE = "/var/www/site.example/picture"
"""By far the biggest file: most of a big pack is of it."""
ROWS = {"blog.posts": 3, "shop.goods": 5000}
_SITE = f"""
mkdir -p {FOLDERS}
head -c 3000000 /dev/urandom >{PICTURE}
seq 1 5000 >/var/www/site.example/list
echo 'of alice' >/home/alice/files/note; chown -R alice: /home/alice/files; chmod 0640 /home/alice/files/note
ln -sf list /var/www/site.example/link
"""
WITHOUT_DATABASES = "mysql -e 'DROP DATABASE IF EXISTS shop; DROP DATABASE IF EXISTS blog'"
_DATABASES = """
mysql <<END
CREATE DATABASE shop; CREATE TABLE shop.goods (n INT PRIMARY KEY, s TEXT);
INSERT INTO shop.goods VALUES $(seq 1 5000 | sed "s/.*/(&,'row &')/" | paste -sd,);
CREATE DATABASE blog; CREATE TABLE blog.posts (n INT PRIMARY KEY); INSERT INTO blog.posts VALUES (1),(2),(3);
END
"""
_CLEAN = f"""
rm -r {FOLDERS}; {WITHOUT_DATABASES}
rm -rf /var/lib/automysqlbackup/*/shop /var/lib/automysqlbackup/*/blog /var/lib/managed-server/dumps/*.json
rm -rf /var/lib/managed-server/restored/*
"""
_STATE = f"find {FOLDERS} -printf '%p %y %m %u %l %s %T@\\n' | sort; "
_STATE += f"find {FOLDERS} -type f | sort | xargs sha256sum; "
_STATE += "mysql -NBe 'CHECKSUM TABLE shop.goods, blog.posts; SELECT COUNT(*) FROM shop.goods'"


def state(server: Server) -> str:
    """Every file and every row, and whose they are."""
    return server.box.run(_STATE, check=True).stdout


def job(server: Server, name: str) -> str:
    """One of the server's own jobs, run as its timer does; returns its result, which is good."""
    server.box.run(["systemctl", "start", f"managed-{name}"], timeout=300, check=True)
    said = server.heartbeat(f"{name}-result")
    assert said.startswith("ok "), said
    return said


def back_up(server: Server) -> None:
    """The night's two jobs."""
    job(server, "dumps")
    job(server, "backup")


def fill(server: Server) -> None:
    """Put a site and databases on a server, and back them up."""
    server.box.run(f"{WITHOUT_DATABASES}\n{_SITE}{_DATABASES}", check=True)
    back_up(server)


@contextmanager
def backed_up(server: Server) -> Iterator[str]:
    """A site and its databases, backed up; yields their state. In the end the server has none of them."""
    try:
        fill(server)
        yield state(server)
    finally:
        server.box.run(_CLEAN, check=True)
        back_up(server)


def restored(server: Server, *arguments: str, code: int = 0) -> tuple[dict[str, Any], str]:
    """What a restore answers, and what it says besides."""
    done = server.box.run(["managed-restore", *arguments], timeout=600)
    assert done.returncode == code, done.stdout + done.stderr
    return (json.loads(done.stdout) if done.stdout else {}), done.stderr


class Bucket:
    """The backup bucket in the hands of whoever provisions, who may do everything."""

    def __init__(self, server: Server) -> None:
        customer = server.customer
        self.s3 = server.fleet.client("s3", customer.account_id, customer.backup_region)
        self.name = customer.backup_bucket

    def versions(self) -> list[tuple[str, str]]:
        """All versions and delete markers: key and version."""
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.name)
        return [
            (each["Key"], each["VersionId"])
            for page in pages
            for found in ("Versions", "DeleteMarkers")
            for each in page.get(found, ())
        ]

    def big_packs(self) -> dict[str, bytes]:
        """The repository's packs that hold parts of a picture, this one or an earlier one, by key."""
        keys = {key for key, _ in self.versions() if "/data/" in key}
        packs = {key: self.s3.get_object(Bucket=self.name, Key=key)["Body"].read() for key in keys}
        return {key: content for key, content in packs.items() if len(content) > 1_000_000}

    def remove(self, key: str, version: str) -> None:
        """Remove a version, though it is locked."""
        self.s3.delete_object(Bucket=self.name, Key=key, VersionId=version, BypassGovernanceRetention=True)

    def replace(self, key: str, content: bytes) -> None:
        """Let nothing but this content have been there, ever."""
        for name, version in self.versions():
            if name == key:
                self.remove(name, version)
        self.s3.put_object(Bucket=self.name, Key=key, Body=content, ChecksumAlgorithm="SHA256")

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Remove in the end what has come meanwhile: not for what replaces versions."""
        before = set(self.versions())
        try:
            yield
        finally:
            for key, version in set(self.versions()) - before:
                self.remove(key, version)

    @contextmanager
    def corrupted(self, packs: dict[str, bytes]) -> Iterator[None]:
        """Let one byte of each of these packs be another."""
        for key, content in packs.items():
            at = len(content) // 3
            self.replace(key, content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        try:
            yield
        finally:
            for key, content in packs.items():
                self.replace(key, content)
