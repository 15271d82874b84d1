"""Bundles: the same input gives the same bytes, and the manifest tells all of them."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

import pytest

from managed_server.bundle import _archive, build
from managed_server.inputs import load_project, stack_names
from managed_server.rendering import RenderError
from managed_server.resolve import load_customer, resolve_stack
from tests.stackfile import STACK, write_stack


@pytest.fixture
def bundle(inputs):
    write_stack(inputs)
    customer = load_customer(inputs, "acme")
    return build(inputs / "templates", customer, customer.server("web1"))


def test_same_bytes_in_another_process_and_environment(inputs, bundle):
    """Hash seeds, locales and time zones must not matter."""
    program = (
        "import pathlib; from managed_server.resolve import load_customer; "
        "from managed_server.bundle import _archive, build; root = pathlib.Path.cwd(); "
        "c = load_customer(root, 'acme'); "
        "print(build(root / 'templates', c, c.server('web1')).sha256)"
    )
    for seed, zone, locale in (("1", "UTC", "C"), ("2", "Asia/Tokyo", "C.UTF-8")):
        environ = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale}
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=inputs,
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == bundle.sha256


def test_key_order_of_the_stack_file_does_not_matter(inputs, bundle):
    write_stack(inputs, STACK.replace("[nginx, php]", "[php, nginx]"))
    customer = load_customer(inputs, "acme")
    assert build(inputs / "templates", customer, customer.server("web1")).sha256 == bundle.sha256


def test_archive_holds_what_the_manifest_says(bundle):
    assert hashlib.sha256(bundle.content).hexdigest() == bundle.sha256
    with tarfile.open(fileobj=io.BytesIO(bundle.content)) as archive:
        names = archive.getnames()
        assert names == sorted(names)
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in archive.getmembers()} == {
            (0, 0, 0, "", "")
        }
        manifest = json.load(archive.extractfile("manifest.json"))
        assert manifest == json.loads(json.dumps(bundle.manifest))
        for file in manifest["files"]:
            body = archive.extractfile("files" + file["path"]).read()
            assert hashlib.sha256(body).hexdigest() == file["sha256"]
        rendered = [name for name in names if name.startswith("files/")]
        assert len(rendered) == len(manifest["files"])
        assert {name.split("/")[0] for name in names} == {"files", "manifest.json", "puppet"}


def test_archive_is_what_tarfile_writes():
    """Long names and other alphabets have headers of their own; sizes around a block have padding."""
    members = {
        "b": b"x" * 512,
        "a": b"",
        "c" * 120: b"x" * 513,
        "d/\u00e9": b"x" * 511,
        "e" * 300: b"x" * 20000,
    }
    for count in range(len(members) + 1):
        some = dict(list(members.items())[:count])
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name, content in sorted(some.items()):
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(content), 0o600
                archive.addfile(info, io.BytesIO(content))
        assert _archive(some) == buffer.getvalue()


def test_manifest_has_what_converge_needs(bundle):
    manifest = bundle.manifest
    assert {"nginx", "php8.4-fpm", "nftables"} <= set(manifest["packages"])
    assert {"nginx.service", "php8.4-fpm.service"} <= {unit["name"] for unit in manifest["units"]}
    groups = ("managed-admins", "managed-users")
    assert manifest["groups"] == groups
    assert manifest["users"] == [{"name": "alice", "groups": groups, "expires": None}]
    units = {unit["name"] for unit in manifest["units"]}
    for kind in ("files", "links", "removed"):
        for item in manifest[kind]:
            assert set(item["notify"]) <= units
    timer_files = {file["path"] for file in manifest["files"]}
    for timer in manifest["timers"]:
        assert f"/etc/systemd/system/{timer['name']}" in timer_files
        assert f"/etc/systemd/system/{timer['service']}" in timer_files


def test_a_setting_changes_its_files_and_no_others(inputs, bundle):
    write_stack(
        inputs,
        STACK.replace("        sites:", "        settings: {php: {pm_max_children: 33}}\n        sites:"),
    )
    customer = load_customer(inputs, "acme")
    other = build(inputs / "templates", customer, customer.server("web1"))
    before, after = ({f.path: f.content for f in made.files} for made in (bundle, other))
    changed = {path for path in before if before[path] != after[path]}
    assert set(before) == set(after)
    assert changed
    assert all("php" in path for path in changed), changed


def test_release_decides_facts(inputs, bundle):
    write_stack(inputs, STACK.replace("        sites:", "        debian: 12\n        sites:"))
    customer = load_customer(inputs, "acme")
    old = build(inputs / "templates", customer, customer.server("web1"))
    assert "php8.2-fpm" in old.manifest["packages"]
    assert "php8.4-fpm" not in old.manifest["packages"]
    assert old.manifest["debian"] == 12
    assert old.sha256 != bundle.sha256


def test_broken_template_is_named(inputs):
    write_stack(inputs)
    template = next((inputs / "templates" / "nginx").rglob("nginx.conf.j2"))
    template.write_text("a\n{{ server.nothing_of_that_name }}\n")
    customer = load_customer(inputs, "acme")
    with pytest.raises(RenderError, match=r"templates/nginx/.*nginx.conf.j2.*nothing_of_that_name"):
        build(inputs / "templates", customer, customer.server("web1"))


def test_every_stack_renders_the_same_twice(root):
    def hashes():
        project = load_project(root)
        customers = [resolve_stack(project, stack)[0] for stack in stack_names(root)]
        return [build(root / "templates", c, server).sha256 for c in customers for server in c.servers]

    first = hashes()
    assert first
    assert hashes() == first
