"""The command line in process, with an explicit list of plugins, and on a real terminal."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from connectctl.api import ColumnSpec, ConnectionSpec, SettingSpec, TableSpec, hookimpl
from connectctl.cli import main
from connectctl.plugins.manager import Plugins

BADGES = TableSpec(
    name="credly-badge-templates",
    title="Credly Badge Templates",
    columns=(
        ColumnSpec("Badge Template ID", required=True),
        ColumnSpec("Plan"),
        ColumnSpec("Name"),
        ColumnSpec("IsActive", "boolean"),
        ColumnSpec("Element", "integer"),
        ColumnSpec("Since", "date"),
    ),
    key=("Badge Template ID", "Plan"),
    filled_by="the administrator",
)
READ_ONLY = TableSpec("users", "users", (ColumnSpec("id"),), ("id",), filled_by="User fetch", editable=False)
ACME = ConnectionSpec(
    "acme",
    "Acme",
    (
        SettingSpec("base_url", "its address", kind="url", required=True),
        SettingSpec("token", "its token", secret=True),
        SettingSpec("mode", "how", kind="choice", choices=("fast", "slow")),
    ),
    client="acme_client:make",
    test="acme_client:whoami",
)


def acme(**hooks: Callable[[], Any]) -> ModuleType:
    """The plugin that the tests of the command line work with; `hooks` adds or replaces some."""
    made = ModuleType("acme")
    default: dict[str, Callable[[], Any]] = {
        "register_tables": lambda: [BADGES, READ_ONLY],
        "register_connections": lambda: [ACME],
    }
    for name, hook in {**default, **hooks}.items():
        setattr(made, name, hookimpl(hook))
    return made


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`run("lookup", "list", stdin="...", plugins={...})`: exit code, stdout and stderr."""

    def call(*args: str, stdin: str | bytes = b"", plugins: dict[str, Any] | None = None) -> Result:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        capsys.readouterr()
        code = main(args, plugins=Plugins.from_modules({"acme": acme()} if plugins is None else plugins))
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return call


@pytest.fixture
def acme_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The module behind ACME's targets; `answer` is what the remote says, or an exception."""
    state = SimpleNamespace(answer="signed in as Ada", closed=0, settings=None)

    class Client:
        def close(self) -> None:
            state.closed += 1

    def make(settings: Any, clock: Any) -> Client:
        state.settings = settings
        return Client()

    def whoami(client: Client) -> str:
        if isinstance(state.answer, BaseException):
            raise state.answer
        return str(state.answer)

    module: Any = ModuleType("acme_client")
    module.make, module.whoami = make, whoami
    monkeypatch.setitem(sys.modules, "acme_client", module)
    return state


class Terminal:
    """connectctl in a process whose three streams are a real terminal."""

    def __init__(self, args: tuple[str, ...], env: dict[str, str], columns: int, code: str | None) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        command = [sys.executable, "-m", "connectctl", *args] if code is None else [sys.executable, "-c", code]
        environment = {**os.environ, "TERM": "xterm", **env}
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self.text = ""

    def wait_for(self, words: str) -> None:
        """Reads until the words have come."""
        while words not in self.text:
            assert self._read(), f"{words!r} did not come: {self.text!r}"

    def send(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> int:
        """Reads to the end; the exit code."""
        while self._read():
            pass
        os.close(self.master)
        return self.process.wait(30)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], 30)
        try:
            found = os.read(self.master, 65536) if ready else b""
        except OSError:  # Linux says EIO when the other side has closed
            return False
        self.text += found.decode("utf-8", "replace")
        return bool(found)


@pytest.fixture
def terminal() -> Callable[..., Terminal]:
    """`terminal("lookup", "list", columns=80, env={...})`."""

    def start(*args: str, env: dict[str, str] | None = None, columns: int = 80, code: str | None = None) -> Terminal:
        return Terminal(args, env or {}, columns, code)

    return start
