"""The only Jinja environment: turns a spec into the files of each server.

Templates see ``customer``, ``server``, ``provider``, ``hub``, ``entry`` (the software or tool that the file
belongs to), ``facts`` (its release facts and settings) and ``item`` (the element of a ``for_each``). A name
that is not defined is an error.
"""

import hashlib
import os
import re
import shlex
import traceback
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from managed_server import spec
from managed_server.problems import Problem
from managed_server.reading import READER

_COMPILER = f"{jinja2.__version__}:{hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"
"""What compiled templates depend on beside their text: Jinja, and the settings in this module."""


class RenderError(Exception):
    """A template can't be rendered."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}" if line else f"{file}: {message}")
        self.problem = Problem(file, line, "", message)


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A file as it will stand on a server."""

    path: str
    content: bytes
    owner: str
    group: str
    mode: str
    notify: tuple[str, ...] = ()
    validate_with: str | None = None
    once: bool = False
    origin: str = ""
    """The entry that it belongs to; none on the hub's own side."""


class _Loader(jinja2.FileSystemLoader):
    """Takes a template for unchanged while the reader keeps what it has read."""

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        text, file, unchanged = super().get_source(environment, template)
        return text, file, lambda: READER.keeps or unchanged()


class _Environment(jinja2.Environment):
    """Keeps a template's globals in one dict: each render copies them, slowly out of the usual chain."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


@cache
def environment(templates: Path) -> jinja2.Environment:
    """Return the environment for the templates below a folder."""
    env = _Environment(
        loader=_Loader(templates),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # configuration files, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=-1,  # there are some hundreds: all of them, without keeping count of which was used last
        extensions=["jinja2.ext.do"],
        bytecode_cache=_bytecode_cache(),
    )
    env.filters["shell_quote"] = lambda value: shlex.quote(str(value))
    env.filters["regex_escape"] = lambda value: re.escape(str(value))
    return env


def _bytecode_cache() -> jinja2.BytecodeCache | None:
    """Keep compiled templates, keyed by their text: compiling is a third of the time of a render."""
    named = os.environ.get("MANAGED_SERVER_CACHE")
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "jinja" if named else base / "managed-server" / "jinja"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:  # a read-only home: slower, and just as right
        return None
    return _BytecodeCache(str(folder))


class _BytecodeCache(jinja2.FileSystemBytecodeCache):
    """One compiled template for each name, for all clones; Jinja's own, one for each path, pile up."""

    def get_bucket(
        self, environment: jinja2.Environment, name: str, filename: str | None, source: str
    ) -> jinja2.bccache.Bucket:
        bucket = super().get_bucket(environment, f"{_COMPILER}:{name}", None, source)
        if bucket.code is not None and filename is not None:
            bucket.code = bucket.code.replace(co_filename=filename)  # errors name the file of this clone
        return bucket


def render(templates: Path, name: str, **context: Any) -> bytes:
    """Render one template.

    Raises:
        RenderError: says which template, and what is wrong.
    """
    try:
        text = environment(templates).get_template(name).render(**context)
        return text.encode()
    except jinja2.TemplateNotFound as error:
        raise RenderError(f"templates/{error.name}", 0, "does not exist") from error
    except jinja2.TemplateSyntaxError as error:
        raise RenderError(f"templates/{error.name or name}", error.lineno, str(error.message)) from error
    except Exception as error:  # a template is input: whatever goes wrong in it is its own problem
        file, line = _where(error, templates, name)
        raise RenderError(file, line, f"{type(error).__name__}: {error}") from error


def _where(error: Exception, templates: Path, name: str) -> tuple[str, int]:
    """Return the template and the line in which an error arose; Jinja puts both into the traceback."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.suffix == ".j2" and path.is_relative_to(templates):
            return f"templates/{path.relative_to(templates)}", frame.lineno or 0
    return f"templates/{name}", 0


def _copied(root: Path, name: str) -> bytes:
    try:
        return READER.file(root / name)
    except OSError as error:
        raise RenderError(name, 0, str(error.strerror or error)) from error


def render_server(
    templates: Path, customer: spec.CustomerSpec, server: spec.ServerSpec
) -> tuple[RenderedFile, ...]:
    """Render every file of a server, by path; what is copied lies beside the folder ``templates``.

    Raises:
        RenderError: says which template, and what is wrong.
    """
    context = {"customer": customer, "server": server, "provider": customer.provider, "hub": customer.hub}
    files = []
    for file in server.files:
        entry = server.entry(file.origin)
        if file.copy_of:
            content = _copied(templates.parent, file.copy_of)
        else:
            content = render(
                templates, file.template, **context, entry=entry, facts=entry.facts, item=file.item
            )
        files.append(
            RenderedFile(
                file.path,
                content,
                file.owner,
                file.group,
                file.mode,
                file.notify,
                file.validate_with,
                file.once,
                file.origin,
            )
        )
    for timer in server.timers:
        for kind in ("service", "timer"):
            content = render(templates, f"systemd/{kind}.j2", **context, timer=timer)
            path = f"/etc/systemd/system/managed-{timer.name}.{kind}"
            files.append(RenderedFile(path, content, "root", "root", "0644", origin=timer.origin))
    return tuple(sorted(files, key=lambda file: file.path))
