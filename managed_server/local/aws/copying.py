"""A second local AWS with all that is in the first: its process, forked, on another port.

moto's state can't be written down: some of it is generators. So tests that share what takes minutes to
provision copy the process. Who wants a copy says where in a file, and sends a signal (process.copy).
"""

import os
import signal
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType

from managed_server.local.aws import state

SIGNAL = signal.SIGUSR1


def allow(
    state_dir: Path, alone: Callable[[], AbstractContextManager[object]], serve: Callable[[Path], int]
) -> None:
    """Make a copy whenever the signal comes; for the main thread, in which the signal is taken.

    Args:
        state_dir: of the one that is copied.
        alone: a context in which no request is carried out.
        serve: serves in the copy until its end, with the copy's folder; its answer is the exit code.
    """
    order = state_dir / state.COPY_FILE

    def fork(_signal: int, _frame: FrameType | None) -> None:
        try:
            target = Path(order.read_text(encoding="utf-8"))
            with alone():  # of the threads this one alone is copied: none may be in the middle of something
                if not order.exists() or os.fork():  # without an order nobody waits for it any more
                    return
        except OSError:  # the one that is copied goes on, whatever became of the copy
            traceback.print_exc()
            return
        code: object = 1
        try:
            os.setsid()
            log = os.open(target / state.LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for descriptor in (1, 2):
                os.dup2(log, descriptor)
            code = serve(target)
        except SystemExit as end:
            code = end.code
        except BaseException:  # noqa: BLE001 - whatever it is, it is told and ends the copy
            traceback.print_exc()
        finally:
            os._exit(code if isinstance(code, int) else 1)  # never back into what the first one was doing

    signal.signal(SIGNAL, fork)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for a copy to end
