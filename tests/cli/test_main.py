"""Exit codes, the two lines of an error, global options, and what the shell does to us."""

import json
import os
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from connectctl import errors
from connectctl.api import CommandSpec
from connectctl.cli.lazy import COMMANDS

from .conftest import acme

Run = Callable[..., Any]


def having(callback: Callable[[], Any], name: str = "go") -> dict[str, Any]:
    """A plugin whose command does this."""
    spec = CommandSpec(name, "does it", click.command(name)(lambda: callback()))
    return {"acme": acme(register_commands=lambda: [spec])}


def raises(error: BaseException) -> Callable[[], None]:
    def callback() -> None:
        raise error

    return callback


REMOTE = {"connection": "credly", "method": "GET", "path": "/x"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("m"), 2),
        (errors.SettingMissing("m"), 3),
        (errors.NameTaken("m"), 3),
        (errors.StoreCorrupt("m"), 3),
        (errors.AuthFailed("m", **REMOTE), 4),  # type: ignore[arg-type]
        (errors.BadAnswer("m"), 4),
        (errors.RemoteDown("m"), 5),
        (errors.RemoteUnsure("m"), 8),
        (errors.ConfirmationNeeded("m"), 6),
        (errors.RunLocked("m"), 7),
        (errors.RunIncomplete("m"), 8),
        (errors.Interrupted("m"), 130),
        (errors.ConnectctlError("m"), 1),
    ],
)
def test_each_error_has_its_exit_code_and_two_lines(run: Run, error: errors.ConnectctlError, code: int) -> None:
    result = run("go", plugins=having(raises(error)))
    assert (result.code, result.out) == (code, "")
    assert result.err == f"Error: m\nHint: {error.hint}\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["lokup"], "There is no command 'lokup'; did you mean lookup?"),
        (["lookup", "sow"], "There is no command 'sow'; did you mean show?"),
        (["--quiett"], "did you mean '--quiet'?"),
        (["lookup", "show", "users", "--serach", "x"], "did you mean '--search'?"),
        (["lookup", "show"], "Missing argument"),
        (["lookup", "show", "users", "--limit", "0"], "--limit"),
        (["--log-format", "xml", "plugin", "list"], "--log-format"),
        (["--profile", "../x", "lookup", "list"], "profile name"),
    ],
)
def test_wrong_usage_is_two_lines_and_exit_2(run: Run, args: list[str], words: str) -> None:
    result = run(*args)
    assert (result.code, result.out) == (2, "")
    first, second = result.err.splitlines()
    assert first.startswith("Error: ")
    assert second.startswith("Hint: connectctl ")
    assert words.casefold() in first.casefold()


@pytest.mark.parametrize("args", [[], ["lookup"]])
def test_a_group_alone_shows_its_help(run: Run, args: list[str]) -> None:
    result = run(*args)
    assert result.code in (0, 2)  # click 8.1 and 8.2 differ
    assert "Usage: connectctl" in result.out + result.err


def test_version_and_help(run: Run) -> None:
    assert run("--version").out == "connectctl 0.1.0\n"
    result = run("--help", plugins=having(raises(AssertionError("called")), "zeta"))
    assert (result.code, result.err) == (0, "")
    for name, entry in COMMANDS.items():
        assert name in result.out
        assert entry.summary in result.out
        assert len(entry.summary) < 60
    assert "zeta" in result.out
    assert "Plugins:" in result.out


def commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    if isinstance(command, click.Group) and path:
        for name in command.commands:
            found += commands(command.commands[name], (*path, name))
    return found


@pytest.mark.parametrize("name", ["init", "connection", "lookup", "plugin"])
def test_every_command_has_help_with_an_example(run: Run, name: str) -> None:
    from importlib import import_module

    module, _, attribute = COMMANDS[name].target.partition(":")
    for path in commands(getattr(import_module(module), attribute), (name,)):
        result = run(*path, "--help")
        assert result.code == 0
        assert "Example:" in result.out, path
        summary = result.out.split("\n\n")[1].strip()
        assert len(summary.splitlines()[0]) < 60, path


def test_a_bug_is_exit_1_and_its_traceback_is_kept(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from connectctl.config.secrets import Secret

    Secret("a-known-secret")
    bug = having(raises(RuntimeError("odd\x1b[31m a-known-secret\nsecond line")))
    result = run("go", plugins=bug)
    assert result.code == 1
    first, second = result.err.splitlines()
    assert first == "Error: this is a bug in connectctl or in a plugin: RuntimeError: odd *** second line"
    log = home / "logs/errors.log"
    assert str(log) in second
    text = log.read_text()
    assert "Traceback" in text
    assert "a-known-secret" not in text
    assert (stat.S_IMODE(log.stat().st_mode), stat.S_IMODE(log.parent.stat().st_mode)) == (0o600, 0o700)
    assert "Traceback" in run("--debug", "go", plugins=bug).err
    assert "Traceback" not in result.err


def test_a_bug_is_told_even_where_nothing_can_be_written(run: Run, home: Path) -> None:
    home.write_text("in the way")
    result = run("go", plugins=having(raises(RuntimeError("x"))))
    assert result.code == 1
    assert "--debug" in result.err


def test_remote_words_cannot_steer_the_terminal(run: Run) -> None:
    error = errors.Rejected("Credly refused: \x1b]0;owned\x07 a\rb \u202eevil")
    result = run("go", plugins=having(raises(error)))
    assert "\x1b" not in result.err
    assert "\u202e" not in result.err
    assert len(result.err.splitlines()) == 2


def test_ctrl_c_and_a_plugins_own_exit(run: Run) -> None:
    result = run("go", plugins=having(raises(KeyboardInterrupt())))
    assert (result.code, result.err.splitlines()[0]) == (130, "Error: Interrupted")
    assert run("go", plugins=having(raises(click.Abort()))).code == 130
    with pytest.raises(SystemExit):
        run("go", plugins=having(raises(SystemExit(9))))


def test_a_real_ctrl_c(process: Run, tmp_path: Path) -> None:
    code = (
        "import sys, os, click, time\n"
        "from connectctl.cli import main\n"
        "from connectctl.api import CommandSpec, hookimpl\n"
        "from connectctl.plugins.manager import Plugins\n"
        "from types import ModuleType\n"
        "@click.command('go')\n"
        "def go():\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "m = ModuleType('m')\n"
        "m.register_commands = hookimpl(lambda: [CommandSpec('go', '', go)])\n"
        "sys.exit(main(['go'], plugins=Plugins.from_modules({'m': m})))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert err.startswith("Error: Interrupted\nHint: ")


def test_a_plugins_command_that_is_none_is_its_fault(run: Run) -> None:
    plugins = {"acme": acme(register_commands=lambda: [CommandSpec("go", "", "json:dumps")])}
    result = run("go", plugins=plugins)
    assert result.code == 3
    assert "not a click command" in result.err


def test_a_clash_with_a_core_command_names_both_and_stops_only_that(run: Run) -> None:
    plugins = {
        "greedy": acme(register_commands=lambda: [CommandSpec(name, "", "a:b") for name in ("lookup", "plugin")])
    }
    result = run("lookup", "list", plugins=plugins)
    assert result.code == 3
    assert "greedy" in result.err
    assert "connectctl" in result.err
    assert run("connection", "list", plugins=plugins).code == 0
    assert run("plugin", "list", plugins=plugins).code == 0  # stays, or nobody could look into it
    assert "greedy" in run("--help", plugins=plugins).out


def test_an_unknown_command_points_at_faulty_plugins(run: Run) -> None:
    plugins = {"broken": acme(register_commands=raises(RuntimeError("x")))}
    result = run("brokn-command", plugins=plugins)
    assert result.code == 2
    assert "these plugins are faulty: broken" in result.err


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_is_nobodys_error(process: Run, unbuffered: str) -> None:
    read, write = os.pipe()
    os.close(read)
    for args in (("plugin", "list"), ("--help",), ("lookup", "list", "--json")):
        done = process(*args, stdout=write, stderr=subprocess.PIPE, env={"PYTHONUNBUFFERED": unbuffered})
        assert (done.returncode, done.stderr) == (0, b""), args
    os.close(write)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_told(process: Run, unbuffered: str) -> None:
    with open("/dev/full", "wb") as full:
        for args in (("plugin", "list"), ("--help",)):
            done = process(*args, stdout=full, stderr=subprocess.PIPE, env={"PYTHONUNBUFFERED": unbuffered})
            assert done.returncode == 3, args
            assert done.stderr.startswith(b"Error: The output cannot be written"), args


def test_missing_streams_break_nothing(process: Run) -> None:
    for script in ("exec >&-", "exec 2>&-", "exec <&-", "exec >&- 2>&- <&-"):
        done = subprocess.run(
            ["sh", "-c", f'{script}; exec "$@"', "sh", sys.executable, "-m", "connectctl", "plugin", "list"],
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (script, done.stderr)


@pytest.mark.parametrize("locale", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_json_is_utf_8_in_every_locale(process: Run, locale: dict[str, str]) -> None:
    word = "Prüfung 日本"
    assert process("lookup", "set", "integration-settings", "A", "B", f"Value={word}").returncode == 0
    done = process("lookup", "show", "integration-settings", "--json", env=locale)
    assert json.loads(done.stdout.decode("utf-8"))[0]["Value"] == word


def test_the_log_has_levels_and_a_json_form(run: Run) -> None:
    import logging

    def log() -> None:
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            logging.getLogger("connectctl.acme").log(level, "said %s token=abcdefgh", level)

    plugins = having(log)
    counts = [len(run(*flags, "go", plugins=plugins).err.splitlines()) for flags in ((), ("-v",), ("-vv",), ("-q",))]
    assert counts == [2, 3, 4, 1]
    rows = [json.loads(line) for line in run("--log-format", "json", "go", plugins=plugins).err.splitlines()]
    assert [row["level"] for row in rows] == ["warning", "error"]
    assert rows[0]["message"] == "said 30 token=***"
    assert rows[0]["at"].endswith("Z")


def test_hints_stay_in_the_profile(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "my config.toml"
    config.touch(0o600)
    for options in (["--profile", "one"], ["--profile", "one", "--config", str(config)]):
        result = run(*options, "lookup", "unset", "integration-settings", "#9")
        place = shlex.join(options)
        assert result.err.endswith(f"Hint: connectctl {place} lookup show integration-settings\n")
    assert run("lookup", "unset", "integration-settings", "#9").err.endswith(
        "Hint: connectctl lookup show integration-settings\n"
    )
    assert "Next: connectctl --profile two connection set" in run("--profile", "two", "init").err


def test_profiles_do_not_see_each_other(run: Run, home: Path) -> None:
    assert run("--profile", "one", "init").code == 0
    assert run("lookup", "set", "integration-settings", "A", "B", "Value=1").code == 0
    assert (home / "profiles/one/config.toml").exists()
    assert (home / "profiles/one/store.db").exists()
    assert json.loads(run("--profile", "one", "lookup", "show", "integration-settings", "--json").out) == []


def test_a_config_file_of_ones_own(run: Run, tmp_path: Path, home: Path) -> None:
    file = tmp_path / "mine.toml"
    assert run("--config", str(file), "lookup", "list").code == 3
    assert run("--config", str(file), "init").code == 0
    file.write_text('[store]\nurl = "sqlite:///other.db"\n')
    assert run("--config", str(file), "lookup", "list").code == 0
    assert (home / "other.db").exists()
