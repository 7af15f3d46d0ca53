"""The commands, with a sandbox running in another process."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tomllib
from contextlib import contextmanager

import pytest
import requests
from click.testing import CliRunner

from connectctl.api import ConfigError, ConnectctlError, UsageError
from connectctl_sandbox import plugin
from connectctl_sandbox.commands import sandbox


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CONNECTCTL_HOME", str(tmp_path))
    return tmp_path / "profiles" / "sandbox"


@contextmanager
def running():
    """`sandbox up` in a process of its own, ended by SIGTERM; gives what it said."""
    code = "from connectctl_sandbox.commands import sandbox; sandbox(['up', '--seed', '2'])"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    said = []
    for line in process.stderr:
        said.append(line)
        if "sandbox show" in line:
            break
    try:
        yield "".join(said)
    finally:
        process.terminate()
        process.stderr.close()
        assert process.wait(10) == 0


def run(*words):
    result = CliRunner().invoke(sandbox, words, catch_exceptions=True)
    if isinstance(result.exception, ConnectctlError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_running_sandbox_is_told_from_outside(home):
    with running() as said:
        config = home / "config.toml"
        assert "[connections.docebo]" in config.read_text()
        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        assert "credly sync-templates" in said
        added = run("fault", "lose_answer", "--remote", "credly", "--method", "POST", "--times", "2")
        assert "lose_answer on credly POST, 2 times" in added
        state = json.loads(run("show", "--json"))
        assert state["faults"][0]["kind"] == "lose_answer"
        assert len(state["docebo"]["courses"]) == 8
        text = run("show")
        assert "course 81  Data Protection Essentials: nothing selected" in text
        assert "Fault   lose_answer" in text
        assert "certification FIRST-AID  First Aider: 2 awards" in text
        assert "1 external trainings, 0 events" in text
        assert run("fault", "--clear") == "No faults.\n"
        made = json.loads(run("admin", "award", "user_id=4702", "code=PRIVACY", "always_valid=true"))
        assert (made["user_id"], made["expires_at"]) == (4702, None)
        assert "1 events" in run("show")
        with pytest.raises(UsageError, match="user_id must be a whole number"):
            run("admin", "award", "user_id=ada", "code=PRIVACY")
        with pytest.raises(UsageError, match="not NAME=VALUE"):
            run("admin", "award", "4702")
        assert "60 s after" in run("fault", "search_lag")
        assert "5 s after" in run("fault", "search_lag", "--seconds", "5")
        assert "has expired" in run("fault", "expire_token", "--remote", "credly")
        with pytest.raises(UsageError, match="expected"):
            run("fault", "expire_token")
        with pytest.raises(UsageError, match="no dropdown element"):
            run("select")
        assert (home / "sandbox.json").exists()
    assert not (home / "sandbox.json").exists()


def test_without_a_sandbox_the_hint_says_how_to_start_one(home):
    with pytest.raises(ConfigError) as none:
        run("show")
    assert none.value.hint == "connectctl sandbox up"
    home.mkdir(parents=True)
    (home / "sandbox.json").write_text('{"control": "http://127.0.0.1:1"}')
    with pytest.raises(ConfigError, match="no more"):
        run("show")
    with pytest.raises(UsageError, match="kind"):
        run("fault")


def test_a_taken_port_is_a_usage_error(box, home):
    port = box.docebo_url.rpartition(":")[2]
    with pytest.raises(UsageError, match=port):
        run("up", "--port", port)


def test_every_command_has_help_with_an_example():
    for words in ([], ["up"], ["fault"], ["show"], ["select"], ["admin"]):
        assert "Example: connectctl sandbox" in run(*words, "--help")


def test_the_plugin_declares_its_commands():
    assert [spec.name for spec in plugin.register_commands()] == ["sandbox", "demo"]


def test_an_expired_token_and_a_lagging_search_are_seen_by_clients(home):
    with running() as said:
        credly = next(line.split()[1] for line in said.splitlines() if line.startswith("Credly"))
        config = tomllib.loads((home / "config.toml").read_text())["connections"]["credly"]
        auth = (config["token"], "")
        url = f"{credly}/organizations/{config['organization_id']}"
        template = requests.get(f"{url}/badge_templates", auth=auth, timeout=10).json()["data"][0]["id"]
        run("fault", "search_lag", "--seconds", "3600")
        badge = {
            "recipient_email": "new@example.org",
            "issued_to_first_name": "N",
            "issued_to_last_name": "N",
            "badge_template_id": template,
            "issued_at": "2026-01-01 00:00:00 +0000",
        }
        assert requests.post(f"{url}/badges", json=badge, auth=auth, timeout=10).status_code == 201
        query = {"filter": "recipient_email::new@example.org"}
        assert requests.get(f"{url}/badges", params=query, auth=auth, timeout=10).json()["data"] == []
        run("fault", "--clear")
        assert len(requests.get(f"{url}/badges", params=query, auth=auth, timeout=10).json()["data"]) == 1
        run("fault", "expire_token", "--remote", "credly")
        assert requests.get(f"{url}/badges", auth=auth, timeout=10).status_code == 401
