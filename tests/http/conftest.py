"""A fake remote, a clock that does not sleep, and clients that are closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectctl.http.session import Client
from connectctl.testing.clock import FakeClock
from connectctl.testing.fake_api import FakeAPI

MakeClient = Callable[..., Client]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def api() -> Iterator[FakeAPI]:
    with FakeAPI() as fake:
        yield fake


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(api: FakeAPI, clock: FakeClock) -> Iterator[MakeClient]:
    made: list[Client] = []

    def client(base_url: str = "", **options: Any) -> Client:
        options = {"clock": clock, "timeout": (1.0, 2.0), **options}
        made.append(Client("acme", base_url or api.url, **options))
        return made[-1]

    yield client
    for one in made:
        one.close()
