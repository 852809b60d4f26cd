"""`pebble.ProcessPool`."""

import functools
import multiprocessing
from collections.abc import Callable
from typing import Any

from pebble import ProcessFuture, ProcessPool

from . import Opener


class Pebble:
    INSTEAD: str | None = None
    TELLS: bool = True

    def __init__(self, method: str, workers: int, load: Callable[[], None] | None = None) -> None:
        context = multiprocessing.get_context(method)
        self._pool = ProcessPool(max_workers=workers, initializer=load, context=context)

    def submit(self, function: Callable[[Any], Any], argument: Any) -> "ProcessFuture[Any]":
        return self._pool.schedule(function, args=(argument,))

    def result(self, job: "ProcessFuture[Any]", timeout: float | None = None) -> Any:
        return job.result(timeout)

    def end(self, job: "ProcessFuture[Any]", pid: int) -> None:
        job.cancel()

    def recover(self) -> None:
        """The pool does it by itself."""


def opener(method: str) -> Opener:
    return functools.partial(Pebble, method)
