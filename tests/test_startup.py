"""What help and version may load. Laziness rots silently, so the list is kept here.

Not loaded by a bare `connectctl --help` or `--version`, each for its cost or because nothing is to be read yet:
requests and urllib3 (some 115 ms), tinydb, sqlite3, keyring, asyncio, platformdirs, tomllib; and no module of a
command. `--version` does not look for plugins either (no pluggy, no importlib.metadata).
"""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "requests",
    "urllib3",
    "tinydb",
    "sqlite3",
    "keyring",
    "asyncio",
    "platformdirs",
    "tomllib",
    "zoneinfo",
    "ssl",
    "http.client",
    "hypothesis",
}
OWN = {"connectctl", "connectctl.cli", "connectctl.errors"}

SCRIPT = """
import sys
from connectctl.cli import main
code = main(sys.argv[1:])
print("\\n" + "\\n".join(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


def loaded(*args: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *args], capture_output=True, text=True, check=True)
    assert done.stdout
    return set(done.stderr.split())


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["lookup", "--help"], ["connection", "set", "--help"]])
def test_help_and_version_load_nothing_heavy(args: list[str]) -> None:
    heavy = HEAVY - {"tomllib"} if args[0] == "connection" else HEAVY
    assert loaded(*args) & heavy == set()


def test_help_imports_no_command() -> None:
    found = {name for name in loaded("--help") if name.startswith("connectctl.")}
    commands = ("init", "connection", "lookup", "plugin", "flow", "run", "ledger", "apply", "store")
    assert found & {f"connectctl.cli.{name}" for name in commands} == set()
    assert not any(name.startswith(("connectctl.flows", "connectctl.badging.", "connectctl.store")) for name in found)


def test_version_does_not_look_for_plugins() -> None:
    assert loaded("--version") & {"pluggy", "importlib.metadata", "connectctl.plugins.manager"} == set()


def test_the_public_api_is_light() -> None:
    script = "import sys, connectctl.api; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & HEAVY == set()
