"""Docebo's access tokens: asked for with the configured grant, kept in a private file between runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectctl.docebo.parse import Place
from connectctl.errors import AuthFailed, BadAnswer, RemoteRefused
from connectctl.http.auth import Token, plain
from connectctl.http.redact import KNOWN
from connectctl.model import Clock

if TYPE_CHECKING:
    from connectctl.config.settings import ConnectionSettings
    from connectctl.http.session import Client

log = logging.getLogger("connectctl.docebo")

EARLY = 60.0  # seconds before its end a token is renewed
USUAL_LIFETIME = 3600.0  # when the answer does not say (docebo.md 1.2)
LONGEST_LIFETIME = 30 * 86400.0

_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")  # anything else would not survive in a header


@dataclass(frozen=True, slots=True)
class Grant:
    """How to ask for a token; `form` reveals the secrets only when it is called."""

    form: Callable[[], dict[str, str]]
    identity: str  # who the token is for; a cached one of somebody else is not used


def grant_of(settings: ConnectionSettings, base_url: str) -> Grant:
    """The grant of a connection. Raises SettingMissing or SecretMissing for what it needs and has not."""
    name = settings.get("grant") or "password"
    fields = {"grant_type": name, "client_id": settings.require("client_id")}
    scope = settings.get("scope")
    if scope and scope != "none":
        fields["scope"] = scope
    secrets = {"client_secret": settings.secret("client_secret")}
    if name == "password":
        fields["username"] = settings.require("username")
        secrets["password"] = settings.secret("password")

    def form() -> dict[str, str]:
        return fields | {key: plain(secret) for key, secret in secrets.items()}

    identity = hashlib.sha256(json.dumps([base_url, fields], sort_keys=True).encode()).hexdigest()
    # Twelve bits of the secrets: a changed password makes the kept token void, and tell nobody what it is.
    mark = hashlib.sha256(json.dumps([identity, form()], sort_keys=True).encode()).hexdigest()[:3]
    return Grant(form, f"{identity}-{mark}")


class TokenSource:
    """What BearerAuth fetches from: the cache file if it has another token than the stale one, else Docebo."""

    def __init__(self, client: Client, path: str, grant: Grant, clock: Clock, cache: Path | None) -> None:
        self._client = client
        self._path = path
        self._grant = grant
        self._clock = clock
        self._cache = cache

    def fetch(self, stale: str | None) -> Token:
        """A token other than `stale`. Raises AuthFailed when Docebo refuses the credentials."""
        cached = read_cache(self._cache, self._grant.identity) if self._cache else None
        if cached and cached.value != stale and self._clock.now() < cached.renew_at:
            return cached
        try:
            # Asking twice only makes a second token, so a lost answer is no reason to stop.
            answer = self._client.request("POST", self._path, form=self._grant.form(), repeatable=True).data
        except BadAnswer:
            raise
        except RemoteRefused as error:
            # The OAuth layer says 400 for wrong credentials (docebo.md 1.2).
            raise AuthFailed(
                f"Docebo refused the sign-in: {error.status}: {error.detail}.",
                hint="connectctl connection set docebo client_secret",
                connection=error.connection,
                method=error.method,
                path=error.path,
                status=error.status,
                detail=error.detail,
            ) from None
        token = parse_token(answer, Place("POST", self._path, self._client.name), self._clock.now())
        KNOWN.add(token.value)
        if self._cache:
            write_cache(self._cache, self._grant.identity, token)
        return token


def parse_token(answer: Any, place: Place, now: datetime) -> Token:
    """The token in an answer of the token endpoint; `expires_in` may be a text. Raises BadAnswer."""
    if not isinstance(answer, dict):
        raise place.bad("the answer is not an object")
    value = answer.get("access_token")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise place.bad("field access_token is not a token")
    said = answer.get("expires_in")
    try:
        lifetime = USUAL_LIFETIME if said is None or isinstance(said, bool) else float(said)
    except (TypeError, ValueError, OverflowError):
        raise place.bad("field expires_in is not a number of seconds") from None
    lifetime = min(lifetime, LONGEST_LIFETIME) if lifetime >= 1 else USUAL_LIFETIME
    # A token that lives shorter than two minutes is used for half its life, not fetched for every request.
    return Token(value, now + timedelta(seconds=max(lifetime - EARLY, lifetime / 2)))


def cache_file(data_dir: Path, account: str) -> Path:
    """Where the token of an account is kept."""
    name = re.sub(r"[^a-z0-9.-]+", "_", account.lower()).strip("._")[:100] or "docebo"
    return data_dir / "tokens" / f"{name}.json"


def read_cache(path: Path, identity: str) -> Token | None:
    """The kept token of this identity; None when there is none, others could read it, or it is not readable."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as stream:
            if os.name == "posix" and stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
                return None
            kept = json.loads(stream.read(65536))
        if not isinstance(kept, Mapping) or kept.get("identity") != identity:
            return None
        value, renew_at = kept["access_token"], datetime.fromisoformat(kept["renew_at"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(value, str) or not _TOKEN.fullmatch(value) or renew_at.tzinfo is None:
        return None
    KNOWN.add(value)
    return Token(value, renew_at)


def write_cache(path: Path, identity: str, token: Token) -> None:
    """Keeps a token for the next run, readable by its owner only; failing to is no reason to stop."""
    kept = {"identity": identity, "access_token": token.value, "renew_at": token.renew_at.isoformat()}
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(kept, stream)
        os.replace(new, path)
    except OSError as error:
        log.warning("The Docebo token is not kept: %s", error.strerror)
