"""A Docebo client made from a real config file, against a fake platform."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectctl.config.paths import ProfilePaths
from connectctl.config.settings import ConnectionSettings, load_settings
from connectctl.docebo.client import Docebo, make_client
from connectctl.docebo.spec import DOCEBO
from connectctl.testing.clock import FakeClock
from connectctl.testing.fake_api import FakeAPI

MakeDocebo = Callable[..., Docebo]
MakeSettings = Callable[..., ConnectionSettings]
TOKEN = {"access_token": "a" * 40, "expires_in": 3600, "token_type": "Bearer", "scope": "api"}


def listing(items: Sequence[Any], page: int = 1, pages: int = 1, **more: Any) -> dict[str, Any]:
    """One page in Docebo's envelope."""
    data = {"items": list(items), "has_more_data": page < pages, "current_page": page, "total_page_count": pages}
    return {"data": {**data, **more}, "version": "1.0.0"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api() -> Iterator[FakeAPI]:
    with FakeAPI() as fake:
        yield fake


@pytest.fixture
def settings(api: FakeAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeSettings:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)

    def make(paths: dict[str, str] | None = None, **changes: Any) -> ConnectionSettings:
        values = {
            "base_url": api.url,
            "client_id": "connectctl",
            "client_secret": "canary-client-secret",
            "username": "robot",
            "password": "canary-password",
            "rate": "none",
            **changes,
        }
        lines = ["[connections.docebo]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items() if value is not None]
        lines += [
            "[connections.docebo.paths]",
            *(f"{name} = {json.dumps(path)}" for name, path in (paths or {}).items()),
        ]
        file = tmp_path / "config.toml"
        file.write_text("\n".join(lines))
        file.chmod(0o600)
        profile = ProfilePaths("default", file, tmp_path, tmp_path, tmp_path)
        return load_settings(profile, {"docebo": DOCEBO}).connection("docebo")

    return make


@pytest.fixture
def docebo(api: FakeAPI, clock: FakeClock, settings: MakeSettings) -> Iterator[MakeDocebo]:
    """Makes clients; the token endpoint answers unless told not to."""
    made: list[Docebo] = []

    def make(*, token: bool = True, **changes: Any) -> Docebo:
        if token:
            api.on("POST", "/oauth2/token", json=TOKEN)
        made.append(make_client(settings(**changes), clock))
        return made[-1]

    yield make
    for one in made:
        one.close()
