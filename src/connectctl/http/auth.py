"""How a client says who it is: an object that can renew itself, never a header set once."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from connectctl.errors import AuthFailed
from connectctl.http.redact import KNOWN
from connectctl.model import Clock


class SecretLike(Protocol):
    """What config.Secret is."""

    def reveal(self) -> str: ...


def plain(secret: str | SecretLike) -> str:
    """The secret's value; it is remembered for redaction from here on."""
    value = secret if isinstance(secret, str) else secret.reveal()
    KNOWN.add(value)
    return value


class Auth(Protocol):
    """Gives the headers of a request, and new ones when the remote did not know the old."""

    def headers(self) -> Mapping[str, str]:
        """The headers that say who we are; may ask the remote for a token."""

    def renew(self, used: Mapping[str, str]) -> bool:
        """After a 401 for `used`: True when other headers are to be had now."""


class HeaderAuth:
    """A fixed header, such as `Authorization: Token token=…`: HeaderAuth(key, "Token token={}")."""

    def __init__(self, secret: str | SecretLike, form: str = "Bearer {}", header: str = "Authorization") -> None:
        self._headers = {header: form.format(plain(secret))}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    def headers(self) -> Mapping[str, str]:
        return self._headers

    def renew(self, used: Mapping[str, str]) -> bool:
        return False


class BasicAuth(HeaderAuth):
    """HTTP Basic: a token as the user name with an empty password, or both."""

    def __init__(self, token: str | SecretLike, password: str | SecretLike = "") -> None:
        pair = f"{plain(token)}:{plain(password)}"
        encoded = base64.b64encode(pair.encode()).decode()
        KNOWN.add(encoded)
        super().__init__(encoded, "Basic {}")


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """An access token and from when on a new one is to be fetched (some time before it ends)."""

    value: str
    renew_at: datetime

    def __repr__(self) -> str:
        return f"Token(***, renew_at={self.renew_at.isoformat()})"


class BearerAuth:
    """A token that is fetched when needed, renewed before it ends and once after a 401; many threads fetch it once.

    `fetch(stale)` returns a token other than `stale` (None: any good one) or raises AuthFailed. A refusal is
    remembered for a minute, so that many requests with a wrong password do not lock the account.
    """

    REMEMBER_REFUSAL = timedelta(seconds=60)

    def __init__(self, fetch: Callable[[str | None], Token], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._refusal: tuple[AuthFailed, datetime] | None = None

    def headers(self) -> Mapping[str, str]:
        token = self._token
        if token is None or not self._fresh(token):
            with self._lock:
                token = self._token
                if token is None or not self._fresh(token):
                    # A token that ran out is stale for whoever cached it, too.
                    token = self._new(token.value if token else None)
        return {"Authorization": f"Bearer {token.value}"}

    def renew(self, used: Mapping[str, str]) -> bool:
        with self._lock:
            token = self._token
            if token is not None and used.get("Authorization") != f"Bearer {token.value}":
                return True  # another thread was faster
            self._new(token.value if token else None)
            return True

    def _fresh(self, token: Token) -> bool:
        return self._clock.now() < token.renew_at

    def _new(self, stale: str | None) -> Token:
        now = self._clock.now()
        if self._refusal is not None:
            refusal, until = self._refusal
            if until - self.REMEMBER_REFUSAL <= now < until:
                raise AuthFailed(
                    refusal.message,
                    hint=refusal.hint,
                    connection=refusal.connection,
                    method=refusal.method,
                    path=refusal.path,
                    status=refusal.status,
                    detail=refusal.detail,
                )
        try:
            token = self._fetch(stale)
        except AuthFailed as error:
            self._refusal = (error, now + self.REMEMBER_REFUSAL)
            raise
        KNOWN.add(token.value)
        self._refusal = None
        self._token = token
        return token
