"""`multiprocessing.Pool` of the standard library."""

import functools
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.pool import AsyncResult
from typing import Any

from . import Opener


class Pool:
    INSTEAD: str | None = "it cannot cancel what runs: SIGKILL of the worker by pid, which the pool replaces"
    TELLS: bool = False

    def __init__(self, method: str, workers: int, load: Callable[[], None] | None = None) -> None:
        self._pool = multiprocessing.get_context(method).Pool(workers, initializer=load)

    def submit(self, function: Callable[[Any], Any], argument: Any) -> "AsyncResult[Any]":
        return self._pool.apply_async(function, (argument,))

    def result(self, job: "AsyncResult[Any]", timeout: float | None = None) -> Any:
        try:
            return job.get(timeout)
        except multiprocessing.TimeoutError as late:
            raise TimeoutError from late

    def end(self, job: "AsyncResult[Any]", pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def recover(self) -> None:
        """The pool does it by itself."""


def opener(method: str) -> Opener:
    return functools.partial(Pool, method)
