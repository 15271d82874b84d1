"""Finds the Terraform AWS provider's program, where Terraform's users would expect it.

No package registry has it. In this order: the file that MANAGED_SERVER_TERRAFORM_PROVIDER_AWS names; the
filesystem mirrors and the plugin cache of Terraform's CLI configuration (TF_CLI_CONFIG_FILE, ~/.terraformrc);
Terraform's implied local mirrors; folders laid out as a mirror below /opt and /usr/local.
"""

import json
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

from managed_server.local.engine_steps import SOURCES, EngineError

VARIABLE = "MANAGED_SERVER_TERRAFORM_PROVIDER_AWS"

# https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
_IMPLIED = ("/usr/local/share", "/usr/share")
_OPTIONAL = ("/opt", "/usr/local", "/usr/local/share", "/usr/local/lib")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def versions() -> dict[str, str]:
    """What the engine is made for: `aws-plugin` and `terraform-provider-aws`."""
    return dict(json.loads((SOURCES / "versions.json").read_text()))


def find_terraform_provider() -> Path:
    """Return the program of the Terraform AWS provider, in the version that the engine is made for.

    Raises:
        EngineError: there is none; one line says what to install and where.
    """
    version = versions()["terraform-provider-aws"]
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise EngineError(f"{VARIABLE} names {path}, which is no file")
        if not path.name.startswith(f"terraform-provider-aws_v{version}"):
            raise EngineError(
                f"{VARIABLE} names {path}; a file terraform-provider-aws_v{version}… is needed, "
                "under the name that its archive gives it"
            )
        return path.resolve()
    target = f"linux_{_ARCHITECTURES.get(platform.machine(), platform.machine())}"
    others = set()
    for mirror in mirrors():
        for path in sorted(mirror.glob(f"*/hashicorp/aws/*/{target}/terraform-provider-aws_v*")):
            if path.parents[1].name == version:
                return path.resolve()
            others.add(path.parents[1].name)
    found = f" (found {', '.join(sorted(others))})" if others else ""
    raise EngineError(
        f"the local engine needs HashiCorp's Terraform AWS provider {version}{found}: unpack "
        f"terraform-provider-aws_{version}_{target}.zip into /usr/local/share/terraform/plugins/"
        f"registry.terraform.io/hashicorp/aws/{version}/{target}/, or name its program in {VARIABLE}; "
        "with the official Pulumi installed it isn't needed"
    )


def mirrors() -> Iterator[Path]:
    """Folders in which HOST/NAMESPACE/TYPE/VERSION/TARGET/ may stand, in Terraform's order."""
    yield from _configured()
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    yield Path.home() / ".terraform.d" / "plugins"
    for share in (data, *os.environ.get("XDG_DATA_DIRS", "").split(":"), *_IMPLIED):
        if share:
            yield Path(share) / "terraform" / "plugins"
    for top in map(Path, _OPTIONAL):
        if top.is_dir():
            for folder in sorted(top.iterdir()):
                yield folder
                yield folder / "plugins"


def _configured() -> Iterator[Path]:
    if cache := os.environ.get("TF_PLUGIN_CACHE_DIR"):
        yield Path(cache)
    named = os.environ.get("TF_CLI_CONFIG_FILE")
    path = Path(named) if named else Path.home() / ".terraformrc"
    if not path.is_file():
        return
    # Terraform's language has no parser here; these two settings are simple enough to be read without one.
    text = re.sub(r"^\s*(#|//).*$", "", path.read_text(errors="replace"), flags=re.MULTILINE)
    patterns = (
        r"filesystem_mirror\s*\{[^}]*?\bpath\s*=\s*\"([^\"]+)\"",
        r"\bplugin_cache_dir\s*=\s*\"([^\"]+)\"",
    )
    for pattern in patterns:
        for match in re.finditer(pattern, text):
            yield Path(os.path.expandvars(match.group(1))).expanduser()
