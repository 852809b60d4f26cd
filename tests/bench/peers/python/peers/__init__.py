"""How each pool is asked for the same few things."""

from collections.abc import Callable
from typing import Any, Protocol


class Peer(Protocol):
    """A pool of `workers` processes, each of which has called `load` before its first job."""

    #: What is done in place of a cancel by a pool that cannot cancel a job that runs.
    INSTEAD: str | None
    #: Whether the caller of a job learns that its worker died.
    TELLS: bool

    def submit(self, function: Callable[[Any], Any], argument: Any) -> Any:
        """Queues a job, and returns the pool's own handle."""

    def result(self, job: Any, timeout: float | None = None) -> Any:
        """The job's result. Raises TimeoutError if there is none in time, else what the pool raises."""

    def end(self, job: Any, pid: int) -> None:
        """Cancels the job, which runs in the process `pid`."""

    def recover(self) -> None:
        """Makes the pool usable again after a worker's death."""


#: Makes a pool of so many workers, each of which loads this.
Opener = Callable[..., Peer]
