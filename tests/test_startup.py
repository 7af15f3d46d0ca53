"""What the quick commands may load. Laziness rots silently, so the lists are kept here.

Not loaded by `--help`, `--version` and completion, each for its cost or because nothing is to be read yet: requests
and urllib3 (some 115 ms), importlib.metadata (50), pluggy (20), tinydb, sqlite3, keyring, asyncio, platformdirs,
tomllib; and no module of a command. `make bench` says how long they take.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "requests",
    "urllib3",
    "tinydb",
    "sqlite3",
    "schedule",
    "keyring",
    "asyncio",
    "platformdirs",
    "tomllib",
    "zoneinfo",
    "ssl",
    "http.client",
    "hypothesis",
}
# With a valid index of the plugins.
OF_HELP = {
    "connectctl",
    "connectctl.__main__",
    "connectctl.cli",
    "connectctl.cli.lazy",
    "connectctl.cli.session",
    "connectctl.errors",
    "connectctl.plugins",
    "connectctl.plugins.guard",
    "connectctl.plugins.index",
    "connectctl.plugins.installed",
    "connectctl.plugins.names",
}
# Of the standard library, beyond what any click program loads for its help.
STANDARD = {"signal", "json", "zlib"}

# The command line as it starts, except that the index takes files that were written a moment ago.
SCRIPT = """
import sys
from connectctl.__main__ import main
if "--version" not in sys.argv:
    import connectctl.plugins.index
    connectctl.plugins.index.SETTLED = -(10**12)
try:
    code = main()
except SystemExit as end:
    code = end.code
print("\\n" + "\\n".join(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""
CLICK = """
import sys, click
group = click.Group("x", [click.Command("y", short_help="z")])
print(group.get_help(click.Context(group)))
print("\\n".join(sys.modules), file=sys.stderr)
"""
COMPLETE = {"_CONNECTCTL_COMPLETE": "bash_complete", "COMP_CWORD": "1"}


def run(*args: str, script: str = SCRIPT, env: dict[str, str] | None = None) -> tuple[str, set[str]]:
    """What a process printed, and the modules it had loaded in the end."""
    command = [sys.executable, "-c", script, *args]
    done = subprocess.run(command, env=os.environ | (env or {}), capture_output=True, text=True, check=True)
    return done.stdout, set(done.stderr.split())


def tops(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.fixture
def indexed(home: Path) -> Path:
    """A profile whose index of the plugins is there."""
    home.mkdir()
    run("--help")
    assert list((home / "cache").iterdir())
    return home


def test_version_loads_nothing() -> None:
    out, found = run("--version")
    _, bare = run(script="import sys; print('\\n'.join(sys.modules), file=sys.stderr)")
    assert out == "connectctl 0.1.0\n"
    assert found - bare == {"connectctl", "connectctl.__main__"}


def test_the_quick_answer_is_the_one_of_the_command_line() -> None:
    quick = subprocess.run([sys.executable, "-m", "connectctl", "--version"], capture_output=True, check=True)
    slow = subprocess.run([sys.executable, "-m", "connectctl", "-v", "--version"], capture_output=True, check=True)
    assert (quick.stdout, quick.stderr) == (slow.stdout, slow.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_version_that_cannot_be_written_is_an_error() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "connectctl", "--version"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert done.stderr.startswith(b"Error: The output cannot be written")


@pytest.mark.parametrize(
    ("args", "env", "extra"),
    [
        (["--help"], {}, set()),
        ([], {**COMPLETE, "COMP_WORDS": "connectctl "}, {"click.shell_completion"}),
        ([], {**COMPLETE, "COMP_WORDS": "connectctl cre"}, {"click.shell_completion"}),
    ],
    ids=["--help", "completion", "completion of a name"],
)
def test_help_and_completion_load_no_more_than_this(
    indexed: Path, args: list[str], env: dict[str, str], extra: set[str]
) -> None:
    out, found = run(*args, env=env)
    assert "credly" in out
    _, click = run(script=CLICK)
    assert {name for name in found if tops({name}) == {"connectctl"}} == OF_HELP
    third = {name for name in tops(found - click) if name not in sys.stdlib_module_names}
    assert third - {"connectctl", "click"} == set()
    assert found & {"importlib.metadata", "pluggy", *HEAVY} == set()
    standard = {name for name in tops(found) - tops(click) if name in sys.stdlib_module_names and name[0] != "_"}
    assert standard - STANDARD - ({"shlex"} if extra else set()) == set()


@pytest.mark.parametrize(
    "args", [["lookup", "--help"], ["flow", "run", "--help"], ["connection", "set", "--help"], ["coverage", "--help"]]
)
def test_help_of_a_core_command_asks_no_plugin(indexed: Path, args: list[str]) -> None:
    _, found = run(*args)
    heavy = HEAVY - {"tomllib"} if args[0] == "connection" else HEAVY
    assert found & {"importlib.metadata", "connectctl.plugins.manager", *heavy} == set()
    assert not tops(found) & {"connectctl_credly", "connectctl_sandbox"}
    assert "connectctl.http.redact" not in found  # there is nothing in the log
    assert args[0] != "lookup" or "connectctl.plugins.specs" not in found


@pytest.mark.parametrize(
    "args", [["--help"], ["lookup", "--help"], ["connection", "set", "--help"], ["credly", "--help"]]
)
def test_without_an_index_help_is_light_too(args: list[str]) -> None:
    _, found = run(*args)
    heavy = HEAVY - {"tomllib"} if args[0] == "connection" else HEAVY
    assert found & {"importlib.metadata", *heavy} == set()


def test_help_imports_no_command() -> None:
    _, found = run("--help")
    commands = ("init", "connection", "lookup", "plugin", "flow", "run", "ledger", "apply", "store", "coverage")
    assert found & {f"connectctl.cli.{name}" for name in commands} == set()
    assert not any(name.startswith(("connectctl.flows", "connectctl.badging.", "connectctl.store")) for name in found)


def test_the_public_api_is_light() -> None:
    script = "import sys, connectctl.api; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & HEAVY == set()


# A module that sends Ctrl-C to its own process while it is being imported, and is then the real one.
INTERRUPTING = """
import os, sys, _signal
os.kill(os.getpid(), _signal.SIGINT)
sys.path.remove(os.path.dirname(__file__))
del sys.modules[__name__]
__import__(__name__)
"""


# The same where Python drops an exception, prints "Exception ignored in" and goes on.
UNRAISABLE = """
class Last:
    def __del__(self):
        import os, _signal
        os.kill(os.getpid(), _signal.SIGINT)
Last()
"""


@pytest.mark.parametrize(
    ("module", "text"),
    [("signal", INTERRUPTING), ("click", INTERRUPTING), ("inspect", INTERRUPTING), ("click", UNRAISABLE)],
)
def test_ctrl_c_while_the_program_is_loaded_ends_it_quietly(tmp_path: Path, module: str, text: str) -> None:
    (tmp_path / f"{module}.py").write_text(text)
    command = [sys.executable, "-m", "connectctl", "--help"]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_an_ignored_ctrl_c_stays_ignored(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text(INTERRUPTING)
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'connectctl', '--help'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True
    )
    assert done.returncode == 0
    assert b"Usage: connectctl" in done.stdout


def test_ctrl_c_after_the_start_raises_again() -> None:
    script = (
        "import signal, sys, connectctl.__main__, connectctl.cli\n"
        "connectctl.cli.main = lambda: print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n"
        "connectctl.__main__.main()\n"
    )
    assert run(script=script)[0] == "True\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
