"""Where the peers are installed: outside the tree, from the versions that stand in it."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from .family import Family

TREE = Path(__file__).resolve().parent.parent


class SetupFailed(Exception):
    """A peer cannot be installed. The message says what is missing."""


class Scratch:
    """A directory for what is installed and built. What is there already is used again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def stdlib(self) -> list[str]:
        """Installs nothing. Returns the command of a host.

        An environment of its own all the same: what others have installed may be loaded with every interpreter.
        """
        interpreter = self._environment("venv-stdlib", with_pip=False)
        return [str(interpreter), str(self._copied("python") / "main.py")]

    def python(self) -> list[str]:
        """Installs the pools of Python. Returns the command of a host."""
        interpreter = self._environment("venv", with_pip=True)
        sources = self._copied("python")
        _run([str(interpreter), "-m", "pip", "install", "--quiet", "-r", str(sources / "requirements.txt")])
        return [str(interpreter), str(sources / "main.py")]

    def node(self) -> list[str]:
        """Installs the pools of Node.js. Returns the command of a host."""
        node, npm = _find("node", "Node.js"), _find("npm", "npm")
        sources = self._copied("node")
        _run([npm, "ci", "--prefix", str(sources), "--silent", "--ignore-scripts", "--no-audit", "--no-fund"])
        return [node, "--expose-gc", str(sources / "main.mjs")]

    def rust(self) -> list[str]:
        """Builds the pool of Rust. Returns the command of a host."""
        cargo = _find("cargo", "a Rust toolchain")
        target = self.directory / "target"
        manifest = TREE / "procspawn/Cargo.toml"
        _run([
            cargo, "build", "--release", "--locked", "--quiet",
            "--manifest-path", str(manifest), "--target-dir", str(target),
        ])  # fmt: skip
        return [str(target / "release/procspawn-peer")]

    def _environment(self, name: str, with_pip: bool) -> Path:
        directory = self.directory / name
        if not directory.exists():
            try:
                venv.create(directory, symlinks=True, with_pip=with_pip)
            except subprocess.CalledProcessError as failure:
                shutil.rmtree(directory, ignore_errors=True)
                raise SetupFailed(
                    "no virtual environment: install Debian's package python3-venv"
                ) from failure
        return directory / "bin/python"

    def _copied(self, name: str) -> Path:
        """The sources of one language, copied, so that no bytecode and no package is put into the tree."""
        copy = self.directory / name
        shutil.copytree(TREE / name, copy, dirs_exist_ok=True)
        return copy


def _find(program: str, what: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise SetupFailed(f"{program} is not in PATH: install {what}")
    return path


def _run(command: list[str]) -> None:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True)
    try:
        status = process.wait()
    finally:
        # A compiler must not outlive a run that somebody stops.
        Family(process.pid).end()
    if status != 0:
        raise SetupFailed(f"{Path(command[0]).name} ended with {status}; its own words are above")
