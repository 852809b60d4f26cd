"""`concurrent.futures.ProcessPoolExecutor` of the standard library."""

import functools
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from . import Opener


class Executor:
    INSTEAD: str | None = (
        "it cannot cancel what runs: SIGKILL of the worker by pid, which breaks the pool, then a new pool"
    )
    TELLS: bool = True

    def __init__(self, method: str, workers: int, load: Callable[[], None] | None = None) -> None:
        context = multiprocessing.get_context(method)
        self._open = functools.partial(ProcessPoolExecutor, workers, mp_context=context, initializer=load)
        self._pool = self._open()

    def submit(self, function: Callable[[Any], Any], argument: Any) -> Future[Any]:
        return self._pool.submit(function, argument)

    def result(self, job: Future[Any], timeout: float | None = None) -> Any:
        return job.result(timeout)

    def end(self, job: Future[Any], pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def recover(self) -> None:
        self._pool.shutdown()
        self._pool = self._open()


def opener(method: str) -> Opener:
    return functools.partial(Executor, method)
