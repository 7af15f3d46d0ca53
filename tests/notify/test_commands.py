"""The connection smtp and what a dry run would mail, on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from tests.notify.conftest import PASSWORD, USER, Post

from connectctl.api import FlowSpec, Notice, Plan, RowWrite, hookimpl
from connectctl.cli import main
from connectctl.plugins.manager import Plugins

Start = Callable[..., Post]


def toy(*lines: str) -> ModuleType:
    """A plugin whose one flow writes a row and has something to tell."""
    module: Any = ModuleType("toy")
    row = RowWrite("add_row", "integration-settings", ("TOY", "K"), {"Integration": "TOY", "Key": "K", "Value": "v"})
    planned = Plan(writes=(row,), notices=(Notice("TOY", "gone: \x1b[31mred", lines),))
    spec = FlowSpec("toy.go", "a toy", read=lambda _ctx, _part: None, plan=lambda _: planned, integration="TOY")
    module.register_flows = hookimpl(lambda: [spec])
    return module


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*args: str, lines: tuple[str, ...] = ()) -> tuple[int, str, str]:
        code = main(args, plugins=Plugins.from_modules({"toy": toy(*lines)}))
        return (code, *capsys.readouterr())

    return call


def test_it_is_tested_without_a_mail_and_shown_without_its_password(
    run: Callable[..., tuple[int, str, str]], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = start(security="starttls", sign_in=True)
    monkeypatch.setenv("CONNECTCTL_SMTP_URL", post.url("starttls=true", user=USER))
    code, _, err = run("connection", "test", "smtp")
    assert (code, "connection set smtp" in err) == (3, True)
    monkeypatch.setenv("CONNECTCTL_SMTP_SENDER", "connectctl@acme.example")
    code, _, err = run("connection", "test", "smtp")
    assert (code, "Hint: connectctl connection set smtp password" in err) == (3, True)
    monkeypatch.setenv("CONNECTCTL_SMTP_PASSWORD", PASSWORD)
    code, out, _ = run("connection", "test", "smtp", "--json")
    (row,) = json.loads(out)
    assert (code, row["ok"]) == (0, True)
    assert f"signed in as {USER}, TLSv1." in row["detail"]
    code, out, err = run("connection", "list")
    assert code == 0
    assert PASSWORD not in out + err
    monkeypatch.setenv("CONNECTCTL_SMTP_PASSWORD", "another-pa55word")
    code, out, err = run("connection", "test", "smtp")
    assert (code, "another-pa55word" in out + err) == (4, False)
    assert post.mails == []


@pytest.mark.parametrize(
    ("url", "words"),
    [("https://mail.example.org", "smtp:// or smtps://"), ("smtp://u@mail.example.org?starttls=false", "in the clear")],
)
def test_an_address_that_will_not_do_is_named(
    run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    monkeypatch.setenv("CONNECTCTL_SMTP_URL", url)
    monkeypatch.setenv("CONNECTCTL_SMTP_SENDER", "connectctl@acme.example")
    monkeypatch.setenv("CONNECTCTL_SMTP_PASSWORD", PASSWORD)
    code, _, err = run("connection", "test", "smtp")
    assert (code, words in err, PASSWORD in err) == (3, True, False)
    assert "Hint: connectctl connection set smtp url" in err


def test_a_password_without_a_user_is_a_slip(
    run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTCTL_SMTP_URL", "smtps://mail.example.org")
    monkeypatch.setenv("CONNECTCTL_SMTP_SENDER", "connectctl@acme.example")
    monkeypatch.setenv("CONNECTCTL_SMTP_PASSWORD", PASSWORD)
    code, _, err = run("connection", "test", "smtp")
    assert (code, "names no user" in err) == (3, True)


@pytest.mark.req("GN-22", "CR-22")
def test_a_dry_run_says_what_it_would_mail(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run("flow", "run", "toy.go", "--dry-run", "--json", lines=("t1\x9b Welder",))
    assert (code, json.loads(out)["warnings"]) == (0, [])
    assert "Would mail nobody, because NOTIFICATION_MAIL_ID of TOY is blank" in err
    run("lookup", "set", "integration-settings", "TOY", "NOTIFICATION_MAIL_ID", "Value=ada@acme.example")
    code, _, err = run("flow", "run", "toy.go", "--dry-run", lines=("t1\x9b Welder",))
    assert "Would mail ada@acme.example: gone: red\n> t1 Welder\n" in err
    code, _, err = run("flow", "run", "toy.go")
    assert (code, "Would mail" in err) == (0, False)
    assert "Warning: 1 mail could not be sent: no mail server is configured" in err
