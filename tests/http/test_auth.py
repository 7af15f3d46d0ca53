"""Tokens are fetched when needed, renewed once, and never shown."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from connectctl.errors import AuthFailed
from connectctl.http.auth import BasicAuth, BearerAuth, HeaderAuth, Token
from connectctl.testing.clock import FakeClock


class Issuer:
    """Gives t1, t2, … that are good for an hour; counts; refuses on demand."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.count, self.refuse = clock, 0, False
        self.stale: list[str | None] = []

    def __call__(self, stale: str | None) -> Token:
        self.count += 1
        self.stale.append(stale)
        if self.refuse:
            raise AuthFailed("Acme refused the sign-in.")
        return Token(f"t{self.count}", self.clock.now() + timedelta(hours=1))


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


def test_fixed_headers() -> None:
    assert BasicAuth("key").headers() == {"Authorization": "Basic a2V5Og=="}
    assert HeaderAuth("key", "Token token={}").headers() == {"Authorization": "Token token=key"}
    assert not HeaderAuth("key").renew({})
    assert "key" not in repr(HeaderAuth("key"))
    assert "t1" not in repr(Token("t1", FakeClock().now()))


def test_a_token_is_kept_until_it_is_due() -> None:
    clock = FakeClock()
    issuer = Issuer(clock)
    auth = BearerAuth(issuer, clock)
    assert auth.headers() == auth.headers() == bearer("t1")
    clock.move(3600)
    assert auth.headers() == bearer("t2")
    assert issuer.stale == [None, "t1"]


def test_many_threads_renew_once() -> None:
    clock = FakeClock()
    issuer = Issuer(clock)
    auth = BearerAuth(issuer, clock)
    used = dict(auth.headers())
    barrier = threading.Barrier(8)

    def renew() -> None:
        barrier.wait()
        assert auth.renew(used)

    threads = [threading.Thread(target=renew) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert issuer.count == 2
    assert auth.headers() == bearer("t2")


def test_a_refusal_is_remembered_for_a_minute() -> None:
    clock = FakeClock()
    issuer = Issuer(clock)
    issuer.refuse = True
    auth = BearerAuth(issuer, clock)
    for _ in range(10):
        with pytest.raises(AuthFailed, match="refused the sign-in"):
            auth.headers()
    assert issuer.count == 1
    clock.move(61)
    issuer.refuse = False
    assert auth.headers() == bearer("t2")
