"""A Redis server for the peers that need one."""

import shutil
import subprocess
import time
from pathlib import Path

PACKAGE = "redis-server"
START_S = 10.0


class RedisFailed(Exception):
    """The server does not start."""


class Redis:
    """In memory only, on a socket in `directory`: it meets no other server. Ends with the `with` block."""

    def __init__(self, program: str, directory: Path) -> None:
        self.socket = directory / "redis.sock"
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "dir": str(directory),
            "save": "",
            "appendonly": "no",
            # What BullMQ asks for: a job is not thrown away when memory is short.
            "maxmemory-policy": "noeviction",
        }
        arguments = [word for key, value in settings.items() for word in (f"--{key}", value)]
        self._process = subprocess.Popen(
            [program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def __enter__(self) -> "Redis":
        end = time.monotonic() + START_S
        while not self.socket.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                self._process.kill()
                raise RedisFailed("redis-server does not start: run it by hand to see why")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def find() -> str | None:
    """The path of the server's program."""
    return shutil.which("redis-server")


def version(program: str) -> str:
    words = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()
    return next(word.removeprefix("v=") for word in words if word.startswith("v="))
