"""Signing in: the grants, the cache file, renewal, refusals (docebo.md 1.2)."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from connectctl.docebo import users
from connectctl.docebo.client import whoami
from connectctl.errors import AuthFailed, BadAnswer, RemoteDown, SettingInvalid, SettingMissing
from connectctl.http.redact import RedactingFilter
from connectctl.testing.clock import FakeClock
from connectctl.testing.fake_api import FakeAPI

from .conftest import TOKEN, MakeDocebo, listing

SESSION = "/manage/v1/user/session"
ME = {"data": {"id": 7, "username": "robot", "user_level": "Superadmin"}}


def issue(api: FakeAPI) -> None:
    """Tokens a1, a2, …"""
    api.on("POST", "/oauth2/token", json=lambda _: TOKEN | {"access_token": f"a{count(api)}"})


def count(api: FakeAPI) -> int:
    return len(api.seen("POST", "/oauth2/token"))


def bearers(api: FakeAPI) -> list[str]:
    return [item.headers["authorization"] for item in api.requests if item.path != "/oauth2/token"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {},
            {
                "grant_type": "password",
                "client_id": "connectctl",
                "client_secret": "canary-client-secret",
                "username": "robot",
                "password": "canary-password",
                "scope": "api",
            },
        ),
        (
            {"grant": "client_credentials", "username": None, "password": None, "scope": "none"},
            {"grant_type": "client_credentials", "client_id": "connectctl", "client_secret": "canary-client-secret"},
        ),
    ],
)
def test_the_grants(api: FakeAPI, docebo: MakeDocebo, changes: dict[str, Any], expected: dict[str, str]) -> None:
    api.on("GET", SESSION, json=ME)
    assert whoami(docebo(**changes)) == "robot (Superadmin)"
    assert api.requests[0].form == expected
    assert bearers(api) == [f"Bearer {TOKEN['access_token']}"]


def test_the_next_run_uses_the_kept_token(api: FakeAPI, docebo: MakeDocebo, tmp_path: Path) -> None:
    api.on("GET", SESSION, json=ME)
    issue(api)
    whoami(docebo(token=False))
    whoami(docebo(token=False))
    assert count(api) == 1
    (file,) = (tmp_path / "tokens").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "canary" not in file.read_text()


@pytest.mark.parametrize("umask", [0, 0o077])
def test_the_cache_file_is_private_from_the_start(api: FakeAPI, docebo: MakeDocebo, tmp_path: Path, umask: int) -> None:
    api.on("GET", SESSION, json=ME)
    before = os.umask(umask)
    try:
        whoami(docebo())
    finally:
        os.umask(before)
    (file,) = (tmp_path / "tokens").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", ["other user", "readable", "broken", "list", "symlink", "bad token"])
def test_a_kept_token_that_cannot_be_trusted_is_not_used(
    api: FakeAPI, docebo: MakeDocebo, tmp_path: Path, damage: str
) -> None:
    api.on("GET", SESSION, json=ME)
    issue(api)
    whoami(docebo(token=False))
    (file,) = (tmp_path / "tokens").iterdir()
    if damage == "readable":
        file.chmod(0o644)
    elif damage == "broken":
        file.write_text('{"identity": ')
    elif damage == "list":
        file.write_text("[1]")
    elif damage == "bad token":
        file.write_text(json.dumps(json.loads(file.read_text()) | {"access_token": "a\r\nX: y"}))
    elif damage == "symlink":
        file.rename(tmp_path / "elsewhere.json")
        file.symlink_to(tmp_path / "elsewhere.json")
    whoami(docebo(token=False, **({"username": "somebody"} if damage == "other user" else {})))
    assert count(api) == 2
    assert bearers(api) == ["Bearer a1", "Bearer a2"]


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(
    api: FakeAPI, docebo: MakeDocebo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    api.on("GET", SESSION, json=ME)
    (tmp_path / "tokens").write_text("a file where the folder should be")
    assert whoami(docebo()) == "robot (Superadmin)"
    assert "token is not kept" in caplog.text


@pytest.mark.parametrize(("expires_in", "good_for"), [(3600, 3540), ("7200", 7140), (None, 3540), (60, 30), (0, 3540)])
def test_a_token_is_renewed_a_minute_early(
    api: FakeAPI, docebo: MakeDocebo, clock: FakeClock, expires_in: Any, good_for: float
) -> None:
    api.on("GET", SESSION, json=ME)
    answer = {"token_type": "bearer", **({"expires_in": expires_in} if expires_in is not None else {})}
    api.on("POST", "/oauth2/token", json=lambda _: answer | {"access_token": f"a{count(api)}"})
    one = docebo(token=False)
    whoami(one)
    clock.move(good_for - 1)
    whoami(one)
    assert count(api) == 1
    clock.move(2)
    whoami(one)
    assert bearers(api) == ["Bearer a1", "Bearer a1", "Bearer a2"]


def test_a_token_that_ends_early_is_renewed_on_the_401(api: FakeAPI, docebo: MakeDocebo) -> None:
    issue(api)
    api.on(
        "GET",
        SESSION,
        json=lambda request: (401, {}) if request.headers["authorization"] == "Bearer a1" else (200, ME),
    )
    whoami(docebo(token=False))
    assert bearers(api) == ["Bearer a1", "Bearer a2"]


def test_threads_sign_in_once(api: FakeAPI, docebo: MakeDocebo) -> None:
    issue(api)
    api.on("GET", SESSION, json=ME)
    one = docebo(token=False)
    threads = [threading.Thread(target=whoami, args=(one,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(api) == 1
    assert one.calls == 9


@pytest.mark.parametrize("status", [400, 401, 403])
def test_wrong_credentials_are_named_and_not_hammered(api: FakeAPI, docebo: MakeDocebo, status: int) -> None:
    answer = {"error": "invalid_client", "error_description": "The client credentials are invalid"}
    api.on("POST", "/oauth2/token", status=status, json=answer)
    one = docebo(token=False)
    for _ in range(5):
        with pytest.raises(AuthFailed, match=f"refused the sign-in: {status}: The client credentials") as caught:
            whoami(one)
    assert count(api) == 1
    assert caught.value.hint == "connectctl connection set docebo client_secret"


@pytest.mark.parametrize(
    "answer",
    [
        [],
        "x",
        {},
        {"access_token": 17},
        {"access_token": ""},
        {"access_token": "a b"},
        {"access_token": "a\r\nX: y"},
        {"access_token": "a", "expires_in": "soon"},
        {"access_token": "a", "expires_in": [1]},
    ],
)
def test_an_answer_without_a_token_is_bad(api: FakeAPI, docebo: MakeDocebo, answer: Any) -> None:
    api.on("POST", "/oauth2/token", json=answer)
    with pytest.raises(BadAnswer, match="POST /oauth2/token"):
        whoami(docebo(token=False))


def test_a_lost_sign_in_is_repeated_and_then_down(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("POST", "/oauth2/token", json=TOKEN, close="after")
    with pytest.raises(RemoteDown):
        whoami(docebo(token=False))
    assert count(api) == 5


@pytest.mark.parametrize("name", ["client_id", "client_secret", "username", "password", "base_url"])
def test_a_missing_setting_is_named(docebo: MakeDocebo, name: str) -> None:
    with pytest.raises(SettingMissing, match=name):
        docebo(token=False, **{name: None})


@pytest.mark.parametrize(
    "changes", [{"timezone": "Mars/Base"}, {"base_url": "http://acme.example.org"}, {"paths": {"usr": "/x"}}]
)
def test_a_wrong_setting_is_named(docebo: MakeDocebo, changes: dict[str, Any]) -> None:
    with pytest.raises(SettingInvalid):
        docebo(token=False, **changes)


def test_paths_and_an_endpoint_as_base_url(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("POST", "/sub/oauth2/token", json=TOKEN)
    api.on("GET", "/sub/manage/v2/people", json=listing([]))
    one = docebo(token=False, base_url=f"{api.url}/sub/manage/v1/user", paths={"users": "/manage/v2/people"})
    assert list(users.walk(one)) == []


def test_no_secret_is_logged(api: FakeAPI, docebo: MakeDocebo, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(RedactingFilter())
    api.on("GET", SESSION, json=ME)
    one = docebo()
    whoami(one)
    logging.getLogger("connectctl.test").info("%r %s %s", one.http.auth, TOKEN["access_token"], "canary-password")
    assert str(TOKEN["access_token"]) not in caplog.text
    assert "canary" not in caplog.text
