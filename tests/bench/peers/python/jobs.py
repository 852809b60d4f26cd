"""The jobs that the pools run. Each takes one argument; a path is that of a postbox."""

import os
import signal
import time

LOAD_S = 0.5
LONG_S = 3600


def echo(payload: bytes) -> bytes:
    return payload


def pid(_: object) -> int:
    return os.getpid()


def spin(path: str) -> None:
    """A busy loop that ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _spin(path)


def spin_mortal(path: str) -> None:
    """A busy loop that dies of SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _spin(path)


def _spin(path: str) -> None:
    _post(path, str(os.getpid()))
    while True:
        pass


def crash(path: str) -> None:
    """Kills its own process, and says when. It waits a little first, until others wait behind it."""
    postbox = os.open(path, os.O_WRONLY)
    time.sleep(0.05)
    os.write(postbox, str(time.monotonic_ns()).encode())
    os.kill(os.getpid(), signal.SIGKILL)


def hold(path: str) -> None:
    """Keeps the worker busy without using the processor."""
    _post(path, "holding")
    time.sleep(LONG_S)


def load() -> None:
    """Stands for a plugin that takes 500 ms to load."""
    time.sleep(LOAD_S)


def _post(path: str, text: str) -> None:
    postbox = os.open(path, os.O_WRONLY)
    os.write(postbox, text.encode())
    os.close(postbox)
