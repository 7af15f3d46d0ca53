import json
import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectctl.errors import AuthFailed, RemoteDown

Run = Callable[..., Any]


def config(home: Path) -> dict[str, Any]:
    return tomllib.loads((home / "config.toml").read_text())["connections"]


def test_set_reads_stdin_and_keeps_comments_and_mode(run: Run, home: Path) -> None:
    run("init")
    before = (home / "config.toml").read_text()
    assert run("connection", "set", "acme", "base_url", stdin="https://acme.example\n").code == 0
    assert run("connection", "set", "acme", "threads", stdin="3").code == 0
    result = run("connection", "set", "acme", "token", stdin="s3cr3t-t0ken\n")
    assert (result.code, result.out) == (0, "")
    assert "s3cr3t" not in result.err
    assert config(home)["acme"] == {"base_url": "https://acme.example", "threads": 3, "token": "s3cr3t-t0ken"}
    after = (home / "config.toml").read_text()
    assert {line for line in before.splitlines() if "acme" not in line} - set(after.splitlines()) <= {
        line for line in before.splitlines() if line.startswith(("# base_url", "# token"))
    }
    assert stat.S_IMODE((home / "config.toml").stat().st_mode) == 0o600


def test_set_works_without_a_file_and_repairs_its_mode(run: Run, home: Path) -> None:
    assert run("connection", "set", "acme", "token", stdin="env:ACME").code == 0
    (home / "config.toml").chmod(0o644)
    assert run("connection", "set", "acme", "token", stdin="literal").code == 0
    assert stat.S_IMODE((home / "config.toml").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("args", "stdin", "code", "words"),
    [
        (("acme", "token", "hunter2"), "", 2, "never an argument"),
        (("acme", "token"), "", 2, "no value"),
        (("acme", "token"), "\n", 2, "no value"),
        (("acme", "token"), b"\xff\xfe", 2, "UTF-8"),
        (("acme", "tokn"), "x", 2, "did you mean token?"),
        (("amce", "token"), "x", 2, "did you mean acme?"),
        (("acme", "base_url"), "acme.example", 3, "whole address"),
        (("acme", "mode"), "fsat", 3, "did you mean fast?"),
        (("acme", "threads"), "many", 3, "whole number"),
        (("acme", "token"), "a\x1bb", 3, "control characters"),
    ],
)
def test_what_set_refuses(run: Run, home: Path, args: tuple[str, ...], stdin: Any, code: int, words: str) -> None:
    result = run("connection", "set", *args, stdin=stdin)
    assert result.code == code
    assert words in result.err
    assert "hunter2" not in result.err
    assert not (home / "config.toml").exists()


def test_a_broken_file_is_named_and_left_alone(run: Run, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[connections\n")
    result = run("connection", "set", "acme", "token", stdin="x")
    assert result.code == 3
    assert "line 1" in result.err
    assert (home / "config.toml").read_text() == "[connections\n"


def test_a_dry_run_of_set_and_remove_writes_nothing(run: Run, home: Path) -> None:
    assert run("connection", "set", "acme", "token", "--dry-run", stdin="x").code == 0
    assert not home.exists()
    run("connection", "set", "acme", "token", stdin="env:X")
    before = (home / "config.toml").read_bytes()
    assert "Would remove" in run("connection", "remove", "acme", "--dry-run").err
    assert (home / "config.toml").read_bytes() == before


def test_list_never_shows_a_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("connection", "set", "acme", "token", stdin="s3cr3t-t0ken")
    run("connection", "set", "acme", "base_url", stdin="https://ada:pa55word@acme.example")
    monkeypatch.setenv("CONNECTCTL_ACME_MODE", "fast")
    monkeypatch.setenv("CONNECTCTL_DOCEBO_PASSWORD", "d0cebo-pass")
    for args in ((), ("--json",)):
        result = run("connection", "list", *args)
        assert result.code == 0
        for secret in ("s3cr3t", "pa55word", "d0cebo"):
            assert secret not in result.out + result.err
        assert "***" in result.out
    rows = {row["name"]: row for row in json.loads(result.out)}
    assert rows["acme"]["state"] == "ready"
    assert rows["acme"]["plugin"] == "acme"
    assert {"name": "mode", "value": "fast", "source": "environment"} in rows["acme"]["settings"]
    assert rows["docebo"]["state"].startswith("missing base_url")


def test_list_tells_what_no_plugin_offers(run: Run, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text('[connections.slack]\nteam_id = "T1"\n')
    assert "connections.slack" in run("connection", "list").err


def test_test_says_who_we_are(run: Run, acme_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTCTL_ACME_BASE_URL", "https://acme.example")
    result = run("connection", "test", "acme")
    assert (result.code, result.out) == (0, "Connection\tOK\tDetail\nacme\ttrue\tsigned in as Ada\n")
    assert acme_client.closed == 1
    assert acme_client.settings.account == "acme.example"
    assert json.loads(run("connection", "test", "--json").out) == [
        {"name": "acme", "ok": True, "detail": "signed in as Ada"}
    ]


@pytest.mark.parametrize(
    ("error", "code"),
    [(AuthFailed("Acme refused: 401"), 4), (RemoteDown("Acme is down"), 5), (ValueError("bug"), 3)],
)
def test_a_failed_test_has_the_errors_exit_code(
    run: Run, acme_client: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    monkeypatch.setenv("CONNECTCTL_ACME_BASE_URL", "https://acme.example")
    acme_client.answer = error
    result = run("connection", "test")
    assert result.code == code
    assert "acme\tfalse\t" in result.out
    assert result.err.startswith("Error: ")
    assert acme_client.closed == 1


def test_test_names_what_is_missing(run: Run, acme_client: Any) -> None:
    result = run("connection", "test", "acme")
    assert result.code == 3
    assert "Hint: connectctl connection set acme base_url" in result.err
    assert run("connection", "test").code == 3
    assert run("connection", "test", "none").code == 2


def test_remove(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init")
    run("connection", "set", "acme", "token", stdin="s3cr3t-t0ken")
    run("connection", "set", "docebo", "client_id", stdin="someone")
    monkeypatch.setenv("CONNECTCTL_ACME_TOKEN", "x")
    result = run("connection", "remove", "acme")
    assert result.code == 0
    assert "CONNECTCTL_ACME_TOKEN" in result.err
    text = (home / "config.toml").read_text()
    assert "s3cr3t" not in text
    assert config(home)["docebo"]["client_id"] == "someone"
    assert "nothing to remove" in run("connection", "remove", "acme").err
    assert run("connection", "remove", "amce").code == 2


def test_without_a_terminal_nothing_waits(process: Run) -> None:
    read, write = os.pipe()
    os.close(write)
    done = process("connection", "set", "docebo", "password", stdin=read)
    os.close(read)
    assert done.returncode == 2
