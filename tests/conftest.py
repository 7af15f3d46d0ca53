"""What holds for every test: private folders, a clean environment, and no network beyond this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CLEARED = ("NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "TERM", "VISUAL", "EDITOR", "PYTHONIOENCODING")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HOME and CONNECTCTL_HOME below tmp_path; nothing of the caller's environment that changes behaviour."""
    for name in list(os.environ):
        if name.startswith(("CONNECTCTL_", "XDG_", "_CONNECTCTL")) or name in CLEARED or name.lower() in PROXIES:
            monkeypatch.delenv(name)
    home = tmp_path / "user-home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CONNECTCTL_HOME", str(tmp_path / "profile"))


def _here(host: Any) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Connections and look-ups that would leave this machine fail the test that makes them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        look_up = socket.getaddrinfo

        def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
            if not _here(host):
                raise AssertionError(f"a test looked up {host!r}")
            return look_up(host, *args, **kwargs)

        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


def _guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _here(address[0]):
            raise AssertionError(f"a test opened a connection to {address!r}")
        return original(self, address)

    return connect


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The profile's folder; it does not exist before something is written."""
    return tmp_path / "profile"


@pytest.fixture
def process() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs the command line in a process of its own: `process("lookup", "list", env={...}, input=b"...")`."""

    def run(*args: str, env: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[bytes]:
        if "stdout" not in options:
            options["capture_output"] = True
        if "input" not in options and "stdin" not in options:
            options["stdin"] = subprocess.DEVNULL
        command = [sys.executable, "-m", "connectctl", *args]
        return subprocess.run(command, env={**os.environ, **(env or {})}, timeout=60, check=False, **options)

    return run
