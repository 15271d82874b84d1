"""Checks stacks one after the other, or, where there are many, beside one another in processes."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass

from managed_server import spec
from managed_server.boundary import Outside, outside
from managed_server.bundle import Bundle
from managed_server.problems import InputError, Problem
from managed_server.project import Project
from managed_server.proven import proven
from managed_server.reading import READER

MANY = 20
"""Stacks for which another process is worth its start."""
_AT_ONCE = 5
"""Stacks that a process is given at a time: few, so that all end at the same time, and soon on Ctrl-C."""
_YOUNG = 50_000
"""New objects after which Python looks for cycles; a stack makes as many, and leaves hardly a cycle."""


@dataclass(frozen=True, slots=True)
class CheckedServer:
    """What is told of a server: its bundle is let go, so that any number of customers fits into memory."""

    name: str
    host_name: str
    software: tuple[str, ...]
    opens: tuple[str, ...]
    """Sockets that others may reach, as ``world 443/tcp``."""
    checks: int
    alarms: int
    files: int
    sha256: str
    outside: tuple[Outside, ...]


@dataclass(frozen=True, slots=True)
class CheckedStack:
    """What is told of a customer, and what is held against other customers."""

    id: str
    stack_file: str
    account_id: str
    sets: tuple[tuple[str, str], ...]
    """What it sets for its account as a whole: each part, and where."""
    servers: tuple[CheckedServer, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """How the check of a stack ended."""

    stack: CheckedStack | None
    """None: something is wrong with it."""
    problems: tuple[Problem, ...]


def check_each(project: Project, stacks: Sequence[str]) -> Iterator[Checked]:
    """Check stacks, and yield what was found in their order.

    Raises:
        OSError: a process was killed, as by a machine without memory.
    """
    processes = min(_processors(), len(stacks) // MANY)
    if processes < 2 or "fork" not in multiprocessing.get_all_start_methods():  # noqa: PLR2004
        with READER.once() if len(stacks) >= MANY else nullcontext():
            yield from (_check(project, stack) for stack in stacks)
        return
    _ = project.entries, project.stacks_by_account  # looked up once, for all processes
    gc.collect()
    gc.freeze()  # what is loaded stays, and is the same memory in all processes
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), _begin, (project,))
    # They begin with it blocked: a Ctrl-C that comes meanwhile is the first process's alone.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        found = pool.map(_check_one, stacks, chunksize=_AT_ONCE)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield from found
    except BrokenProcessPool as error:
        message = "a process that checked stacks was killed: is there enough memory?"
        raise ChildProcessError(message) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        pool.shutdown(cancel_futures=True)
        gc.unfreeze()


def _processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_project: list[Project] = []
"""Of a process that checks stacks for another one."""


def _begin(project: Project) -> None:
    """Begin a process's work: it has the project from the one that it was forked from."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other one sees to it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.set_threshold(_YOUNG, 20, 100)
    READER.keeps = True
    _project.append(project)


def _end_with_parent() -> None:
    """End when the process that gives the work was killed: nobody would ever say that there is no more."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _check_one(stack: str) -> Checked:
    return _check(_project[0], stack)


def _check(project: Project, stack: str) -> Checked:
    try:
        customer, bundles, warnings = proven(project, stack)
    except InputError as error:
        return Checked(None, error.problems)
    return Checked(_told(customer, bundles), warnings)


def _told(customer: spec.CustomerSpec, bundles: tuple[Bundle, ...]) -> CheckedStack:
    return CheckedStack(
        customer.id,
        customer.stack_file,
        customer.account_id,
        tuple(customer.baseline.parts),
        tuple(
            CheckedServer(
                name=server.name,
                host_name=server.host_name,
                software=server.software,
                opens=tuple(
                    sorted({f"{i.reach} {i.port}/{i.protocol}" for i in server.listens if i.reach != "local"})
                ),
                checks=len(server.checks),
                alarms=len(server.alarms),
                files=len(bundle.files),
                sha256=bundle.sha256,
                outside=outside(server),
            )
            for server, bundle in zip(customer.servers, bundles, strict=True)
        ),
    )
