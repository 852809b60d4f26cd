"""A Redis server for the peers that need one."""

import shutil
import subprocess
from pathlib import Path

PACKAGE = "redis-server"


class Redis:
    """In memory only, on a socket in `directory`, so that it meets no other server of the machine. Ends with the `with` block."""

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
