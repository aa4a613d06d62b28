"""Worker processes that end with the work: done, interrupted, or its own process killed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import Pipe, connection, parent_process
from multiprocessing.connection import Connection

from cytokit.errors import Problem


class WorkerPool(ProcessPoolExecutor):
    """So many processes, none of which outlives this one.

    Parameters
    ----------
    jobs : int
    """

    def __init__(self, jobs: int) -> None:
        listening, self._speaking = Pipe(duplex=False)
        super().__init__(jobs, initializer=_begin, initargs=(listening,))

    def kill(self) -> None:
        """End all workers now, in the middle of what they do."""
        self._speaking.send_bytes(b"end")  # nobody takes it out: every worker sees it
        self.shutdown(wait=True, cancel_futures=True)


@contextmanager
def worker_pool(jobs: int) -> Iterator[WorkerPool | None]:
    """Processes for the length of a block, ended at once where it is left by an exception.

    Parameters
    ----------
    jobs : int
        With 1 there are none: the work is done in this process.
    """
    if jobs == 1:
        yield None
        return
    pool = WorkerPool(jobs)
    try:
        yield pool
    except BaseException:
        pool.kill()
        raise
    pool.shutdown()


def worker_died(where: str) -> Problem:
    """What is said where a worker ended by itself: the system took its memory, or it crashed."""
    mend = "give fewer --jobs (in Python fewer workers) if memory is short, then run again"
    return Problem("CK-650", "the process that worked on it ended unexpectedly", where, mend)


def _begin(listening: Connection) -> None:
    """A worker leaves signals to its parent, and ends with it, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_follow_parent, args=(listening,), daemon=True).start()


def _follow_parent(listening: Connection) -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel, listening])
        os._exit(1)
