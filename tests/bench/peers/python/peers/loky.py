"""`loky.get_reusable_executor`, the way in that loky's documentation shows."""

import functools
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from loky import get_reusable_executor

from . import Opener


class Loky:
    INSTEAD: str | None = (
        "it cannot cancel what runs: shutdown(kill_workers=True), which ends all jobs, then a new executor"
    )
    TELLS: bool = True

    def __init__(self, method: str, workers: int, load: Callable[[], None] | None = None) -> None:
        self._open = functools.partial(
            get_reusable_executor, max_workers=workers, context=method, initializer=load
        )
        self._pool = self._open()

    def submit(self, function: Callable[[Any], Any], argument: Any) -> "Future[Any]":
        return self._pool.submit(function, argument)

    def result(self, job: "Future[Any]", timeout: float | None = None) -> Any:
        return job.result(timeout)

    def end(self, job: "Future[Any]", pid: int) -> None:
        self._pool.shutdown(wait=True, kill_workers=True)

    def recover(self) -> None:
        self._pool = self._open()


def opener(method: str) -> Opener:
    return functools.partial(Loky, method)
