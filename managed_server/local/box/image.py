"""The image that machines start from: Debian's EC2 image, and a layer of files over it.

`image-packages.txt` lists the packages, `image/` has the files that Debian's image adds to them, and
`fittings/` those that only a box needs (docs/box.md says why). A file named `….append` is added to the end of
the one below it.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from managed_server.local.debian.host import DebianError
from managed_server.local.debian.tree import ensure_tree

HERE = Path(__file__).parent
OLDEST = 13
_APPEND = ".append"


def packages() -> list[str]:
    """The packages of Debian's EC2 image."""
    lines = (HERE / "image-packages.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def base(release: int, progress: Callable[[str], None]) -> Path:
    """The root of a tree with the image's packages; built, if it isn't in the cache (a minute or two).

    Raises:
        DebianError: it can't be built here, or is of an older release.
    """
    if release < OLDEST:
        raise DebianError(
            f"machines of Debian {release} can't be shown here: its AWS client knows no AWS_ENDPOINT_URL, so "
            f"that it can't be pointed at the local AWS; Debian {OLDEST}'s can"
        )
    return ensure_tree(release, packages(), progress)


def make_layer(layer: Path, below: Path, more: Mapping[str, str]) -> None:
    """Write the files that lie over the tree `below`.

    Args:
        layer: folder to make; what was there is replaced.
        below: the tree.
        more: text by path, relative to the root, of files that differ by session.
    """
    shutil.rmtree(layer, ignore_errors=True)
    for part in ("image", "fittings"):
        shutil.copytree(HERE / part, layer, symlinks=True, dirs_exist_ok=True)
    for name, text in more.items():
        (layer / name).parent.mkdir(parents=True, exist_ok=True)
        (layer / name).write_text(text, encoding="utf-8")
    for addition in layer.rglob("*" + _APPEND):
        whole = addition.with_name(addition.name.removesuffix(_APPEND))
        original = below / whole.relative_to(layer)
        whole.write_text(
            original.read_text(encoding="utf-8") + addition.read_text(encoding="utf-8"), encoding="utf-8"
        )
        addition.unlink()
    for path in (layer, *layer.rglob("*")):  # not the umask of whoever cloned the repository
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
