"""Signing in to the simulated Docebo (docebo.md 1 and 14)."""

from __future__ import annotations

import pytest
import requests


@pytest.fixture
def ask(box):
    return lambda form, **options: requests.post(
        f"{box.docebo_url}/oauth2/token", **({"data": form} | options), timeout=10
    )


def test_a_password_gives_a_bearer_token_and_a_refresh_token(box, ask, token_form):
    answer = ask(token_form)
    token = answer.json()
    assert answer.status_code == 200
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 3600, "api")
    assert len(token["access_token"]) == len(token["refresh_token"]) == 40


def test_the_application_alone_gets_a_token_without_refresh(ask, token_form):
    form = {key: token_form[key] for key in ("client_id", "client_secret", "scope")}
    token = ask(form | {"grant_type": "client_credentials"}).json()
    assert "access_token" in token
    assert "refresh_token" not in token


@pytest.mark.parametrize("how", ["form", "json"])
def test_form_and_json_are_taken(ask, token_form, how):
    assert ask(token_form if how == "form" else None, json=token_form if how == "json" else None).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 400, "invalid_client"),
        ({"client_id": ""}, 400, "invalid_client"),
        ({"password": "wrong"}, 401, "invalid_grant"),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"username": ""}, 400, "invalid_request"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"extra": "1"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "nope"}, 400, "invalid_request"),
    ],
)
def test_a_refusal_is_an_oauth_error(ask, token_form, changes, status, error):
    answer = ask(token_form | changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


def test_an_empty_or_absent_scope_is_fine(ask, token_form):
    assert ask(token_form | {"scope": ""}).status_code == 200
    assert ask({key: value for key, value in token_form.items() if key != "scope"}).status_code == 200


def test_other_content_is_refused(ask, token_form):
    assert ask("grant_type=password", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_refresh_token_works_once_and_can_be_refused(box, ask, token_form):
    refresh = ask(token_form).json()["refresh_token"]
    form = {key: token_form[key] for key in ("client_id", "client_secret")}
    form |= {"grant_type": "refresh_token", "refresh_token": refresh}
    answer = ask(form)
    assert answer.status_code == 200
    assert ask(form).json()["error"] == "invalid_grant"
    box.docebo.flags.refuse_refresh = True
    assert ask(form | {"refresh_token": answer.json()["refresh_token"]}).status_code == 400


def test_the_types_of_another_platform(box, ask, token_form):
    box.docebo.flags.expires_in_as_string = True
    token = ask(token_form).json()
    assert (token["expires_in"], token["token_type"]) == ("3600", "bearer")


@pytest.mark.parametrize("how", ["time", "helper"])
def test_a_token_expires_and_a_new_one_works(box, docebo, ask, token_form, how):
    assert docebo.get("/manage/v1/user/session").status_code == 200
    if how == "time":
        box.clock.advance(3600)
    else:
        box.docebo.expire_tokens()
    answer = docebo.get("/manage/v1/user/session")
    assert answer.status_code == 401
    assert answer.json()["message"] == ["Your request was made with invalid credentials."]
    docebo.http.headers["Authorization"] = f"Bearer {ask(token_form).json()['access_token']}"
    assert docebo.get("/manage/v1/user/session").status_code == 200


@pytest.mark.parametrize("header", [None, "Bearer nope", "Basic abc", ""])
def test_no_path_opens_without_a_token(docebo, header):
    docebo.http.headers["Authorization"] = header
    for path in ("/manage/v1/user", "/course/v1/courses/fields", "/nowhere"):
        assert docebo.get(path).status_code == 401


def test_the_session_names_the_caller(docebo):
    data = docebo.get("/manage/v1/user/session").json()["data"]
    assert (data["username"], data["user_level"]) == ("sandbox.admin", "Superadmin")


def test_the_error_envelope_and_the_service_headers(box, docebo):
    answer = docebo.get("/manage/v1/user/999999")
    assert answer.status_code == 404
    assert answer.json() == {"name": "Not Found", "message": ["User not found"], "code": 0, "status": 404}
    assert answer.headers["X-Docebo-Api-Version"] == "1.0.0"
    assert answer.headers["X-Docebo-Backyard"] == "manage"
    box.docebo.flags.message_as_string = True
    assert docebo.get("/manage/v1/user/999999").json()["message"] == "User not found"


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("GET", "/manage/v1/user/", {}, 404),
        ("DELETE", "/manage/v1/user", {}, 405),
        ("HEAD", "/manage/v1/user", {}, 405),
        ("PATCH", "/course/v1/courses/81", {"json": {}}, 405),
        ("GET", "/manage/v1/user", {"json": {"search_text": "ada"}}, 400),
        ("GET", "/manage/v1/user", {"headers": {"Accept": "text/html"}}, 406),
        ("POST", "/course/v1/courses/fields", {"data": {"type": "dropdown"}}, 415),
        ("POST", "/course/v1/courses/fields", {}, 415),
        ("POST", "/course/v1/courses/fields", {"json": [1]}, 400),
        (
            "POST",
            "/course/v1/courses/fields",
            {"data": "{", "headers": {"Content-Type": "application/json; charset=utf-8"}},
            400,
        ),
    ],
)
def test_wrong_requests_get_the_remotes_own_error(docebo, method, path, options, status):
    answer = docebo.send(method, path, **options)
    assert answer.status_code == status
    if method != "HEAD":
        assert answer.json()["status"] == status
    if status == 405:
        assert "GET" in answer.headers["Allow"] or "PUT" in answer.headers["Allow"]
