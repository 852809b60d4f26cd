"""The peers, and what each needs."""

import json
import platform
import re
import subprocess
from dataclasses import dataclass
from enum import Enum

from . import redis
from .scratch import TREE


class Language(Enum):
    """What a peer's host is written in."""

    STDLIB = "Python, standard library"
    PYTHON = "Python"
    NODE = "Node.js"
    RUST = "Rust"


@dataclass(frozen=True)
class Peer:
    """`arguments` tell the host which one it embeds; `package` is what is installed."""

    name: str
    language: Language
    arguments: tuple[str, ...] = ()
    package: str = ""
    needs_redis: bool = False

    def version(self) -> str:
        """That of the peer, and of what it runs on."""
        match self.language:
            case Language.STDLIB:
                return f"stdlib {platform.python_version()}"
            case Language.PYTHON:
                runtime = f"{platform.python_implementation()} {platform.python_version()}"
                pinned = _from_requirements(self.package)
            case Language.NODE:
                runtime = f"Node.js {_output(['node', '--version']).removeprefix('v')}"
                pinned = _from_node(self.package)
            case Language.RUST:
                runtime = _output(["rustc", "--version"]).rpartition(" (")[0]
                pinned = _from_cargo(self.package)
        if self.needs_redis and (program := redis.find()):
            runtime += f", Redis {redis.version(program)}"
        return f"{pinned} ({runtime})"


PEERS = [
    Peer("ProcessPoolExecutor (spawn)", Language.STDLIB, ("executor", "spawn")),
    Peer("ProcessPoolExecutor (fork)", Language.STDLIB, ("executor", "fork")),
    Peer("multiprocessing.Pool (spawn)", Language.STDLIB, ("pool", "spawn")),
    Peer("multiprocessing.Pool (fork)", Language.STDLIB, ("pool", "fork")),
    Peer("Pebble ProcessPool (spawn)", Language.PYTHON, ("pebble", "spawn"), "Pebble"),
    Peer("Pebble ProcessPool (fork)", Language.PYTHON, ("pebble", "fork"), "Pebble"),
    Peer("loky", Language.PYTHON, ("loky", "loky"), "loky"),
    Peer("procspawn Pool", Language.RUST, package="procspawn"),
    Peer("workerpool (process)", Language.NODE, ("workerpool",), "workerpool"),
    Peer("BullMQ sandboxed + Redis", Language.NODE, ("bullmq",), "bullmq", needs_redis=True),
]


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _from_requirements(package: str) -> str:
    return _pinned(rf"^{package}==(\S+)$", (TREE / "python/requirements.txt").read_text())


def _from_node(package: str) -> str:
    return str(json.loads((TREE / "node/package.json").read_text())["dependencies"][package])


def _from_cargo(package: str) -> str:
    return _pinned(rf'^{package} = "=(\S+)"$', (TREE / "procspawn/Cargo.toml").read_text())


def _pinned(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise LookupError(f"nothing fits {pattern}")
    return found[1]
