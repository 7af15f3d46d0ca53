"""A running sandbox and one signed-in session for each of its remotes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import requests

from connectctl_sandbox import Sandbox
from connectctl_sandbox.docebo import Docebo


class Session:
    """Requests below one address, with one Authorization header."""

    def __init__(self, base: str, headers: dict[str, str], auth: Any = None) -> None:
        self.base = base
        self.http = requests.Session()
        self.http.headers.update(headers)
        self.http.auth = auth
        for method in ("get", "post", "put", "delete", "patch", "head"):
            setattr(self, method, partial(self.send, method.upper()))

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.http.request(method, self.base + path, timeout=10, **options)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(seed=1) as box:
        yield box


@pytest.fixture
def token_form(box: Sandbox) -> dict[str, str]:
    own = box.docebo.credentials
    return {
        "grant_type": "password",
        "client_id": own.client_id,
        "client_secret": own.client_secret,
        "username": own.username,
        "password": own.password,
        "scope": "api",
    }


@pytest.fixture
def docebo(box: Sandbox, token_form: dict[str, str]) -> Iterator[Session]:
    token = requests.post(f"{box.docebo_url}/oauth2/token", data=token_form, timeout=10).json()["access_token"]
    session = Session(box.docebo_url, {"Authorization": f"Bearer {token}", "Accept": "application/json"})
    yield session
    session.http.close()


@pytest.fixture
def credly_session(box: Sandbox) -> Iterator[Callable[[str], Session]]:
    """Makes a session below the organization with a given token."""
    made: list[Session] = []

    def make(token: str) -> Session:
        base = f"{box.credly_url}/organizations/{box.credly.organization_id}"
        made.append(Session(base, {"Accept": "application/json"}, auth=(token, "")))
        return made[-1]

    yield make
    for session in made:
        session.http.close()


@pytest.fixture
def credly(box: Sandbox, credly_session: Callable[[str], Session]) -> Session:
    return credly_session(box.credly.token)


@pytest.fixture
def template_id(box: Sandbox) -> str:
    """The first ordinary template; one badge of it was issued by hand."""
    return next(iter(box.credly.templates))


@pytest.fixture
def free_template_id(box: Sandbox) -> str:
    """An ordinary template without badges and without a default expiry."""
    return list(box.credly.templates)[1]


@pytest.fixture
def body(free_template_id: str) -> dict[str, Any]:
    """What Credly requires to issue a badge, and an earner id."""
    return {
        "recipient_email": "jo@example.org",
        "issued_to_first_name": "Jo",
        "issued_to_last_name": "Doe",
        "badge_template_id": free_template_id,
        "issued_at": "2026-03-01 12:00:00 +0000",
        "issuer_earner_id": "lms-481",
    }


@pytest.fixture
def awarded(box: Sandbox) -> Docebo:
    """A platform with two certifications and three awards, and without earlier events."""
    box.docebo.awards.clear()
    box.docebo.award(4702, "FIRST-AID", "2026-01-15 10:00:00", origin_id=83, updated_at="2026-01-15 10:00:00")
    box.docebo.award(4702, "PRIVACY", "2026-01-20 10:00:00", origin_id=81, updated_at="2026-01-20 10:00:00")
    box.docebo.award(4703, "PRIVACY", "2026-02-10 10:00:00", origin_id=81, updated_at="2026-02-10 10:00:00")
    box.docebo.events.clear()
    return box.docebo
