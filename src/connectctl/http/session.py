"""The client of one remote: every request limited, retried only where that is safe, every failure named."""

from __future__ import annotations

import json as _json
import logging
import random
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from connectctl import __version__
from connectctl.errors import (
    AuthFailed,
    BadAnswer,
    Interrupted,
    NotAllowed,
    NotFound,
    Rejected,
    RemoteDown,
    RemoteError,
    RemoteUnsure,
)
from connectctl.http.answers import Answer, Unreadable, parse_json, remote_words
from connectctl.http.clock import SystemClock
from connectctl.http.limits import Health, RateLimiter
from connectctl.http.redact import clean
from connectctl.http.retry import BREATH, REPEATABLE, TRIES, Failure, decide, parse_retry_after
from connectctl.http.shared import state_for
from connectctl.http.wire import Fault, TooLarge, Wire, check_base_url
from connectctl.model import CallLimits, Clock

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from connectctl.http.auth import Auth

log = logging.getLogger("connectctl.http")

Params = Mapping[str, str | int | bool | Sequence[str | int] | None]

_SIGN_IN = ("login", "signin", "sign-in", "sign_in", "sso", "saml", "oauth", "auth")


class Client:
    """Access to one remote, safe for many threads. `calls` counts the requests sent, retries among them.

    `limits`, from the connection's settings, stands for `rate` and `per_hour` and is kept by all processes together.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        auth: Auth | None = None,
        rate: str = "none",
        threads: int = 4,
        timeout: tuple[float, float] = (5.0, 30.0),
        clock: Clock | None = None,
        headers: Mapping[str, str] | None = None,
        transport: BaseAdapter | None = None,
        per_hour: int | None = None,
        limits: CallLimits | None = None,
        limiter: RateLimiter | None = None,
        sign_in_hint: str | None = None,
    ) -> None:
        self.name = name
        self.sign_in_hint = sign_in_hint or "connectctl connection list"
        self.title = name[:1].upper() + name[1:]
        self.base_url = check_base_url(name, base_url)
        self.auth = auth
        self.clock: Clock = clock or SystemClock()
        limits = limits or CallLimits(rate, per_hour)
        self.limiter = limiter or RateLimiter(
            limits.rate,
            self.clock,
            per_hour=limits.per_hour,
            name=self.title,
            state=state_for(limits, name, self.base_url),
        )
        self.calls = 0
        self._counting = threading.Lock()
        self._health = Health()
        self._wire = Wire(self.base_url, threads=threads, timeout=timeout, transport=transport)
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"connectctl/{__version__}",
            **(headers or {}),
        }

    def __repr__(self) -> str:
        return f"Client({self.name!r}, {self.base_url!r})"

    def get(self, path: str, params: Params | None = None) -> Any:
        """The parsed JSON of a GET."""
        return self.request("GET", path, params=params).data

    def post(self, path: str, json: Any = None, *, repeatable: bool = False) -> Any:
        """The parsed JSON of a POST. `repeatable`: carried out twice it does no harm."""
        return self.request("POST", path, json=json, repeatable=repeatable).data

    def put(self, path: str, json: Any = None, *, repeatable: bool = True) -> Any:
        """The parsed JSON of a PUT."""
        return self.request("PUT", path, json=json, repeatable=repeatable).data

    def delete(self, path: str, json: Any = None, *, params: Params | None = None) -> Any:
        """The parsed JSON of a DELETE; None also when a repeated DELETE finds nothing any more."""
        return self.request("DELETE", path, params=params, json=json).data

    def close(self) -> None:
        """Closes the pooled connections."""
        self._wire.close()
        self.limiter.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """One request, repeated only where that cannot double an effect.

        `path` is relative to the base URL, or a full address of the same origin. Statuses in `accept` are returned
        instead of raised. Raises the RemoteError that says who must act (see errors.py), Interrupted on a stop.
        """
        call = _Call(self, method.upper(), path, repeatable)
        url = self._url(call, path, params)
        body, own = _body(json, form)
        own.update(headers or {})
        attempt, renewed, tried = 0, False, False
        while True:
            ticket = self.limiter.acquire()
            used = dict(self.auth.headers()) if self.auth else {}
            attempt += 1
            failure: Failure
            retry_after: float | None = None
            try:
                with self._counting:
                    self.calls += 1
                status, raw, got = self._wire.send(call.method, url, {**self._headers, **own, **used}, body)
            except TooLarge:
                raise call.unreadable("an answer of more than 64 MiB") from None
            except Fault as fault:
                log.debug("%s %s %s: %s", self.title, call.method, call.path, fault.why)
                failure, error = fault.failure, call.fault(fault)
                if failure == "refused":
                    raise error from None
            else:
                log.debug("%s %s %s: %s, %d bytes", self.title, call.method, call.path, status, len(raw))
                if status == 401 and self.auth and not renewed and self.auth.renew(used):
                    renewed, attempt = True, attempt - 1
                    continue
                if status in (404, 410) and call.method == "DELETE" and tried:
                    return Answer(status, None, got)  # the try whose answer was lost did it
                if 200 <= status < 300 or status in accept:
                    try:
                        data = call.parse(status, raw, got) if 200 <= status < 300 else call.parse_refusal(raw)
                    except Unreadable as unreadable:
                        if unreadable.page:
                            raise call.unreadable(str(unreadable)) from None
                        failure, error = "unreadable", call.unreadable(str(unreadable))
                    else:
                        self._health.good()
                        self.limiter.succeeded()
                        return Answer(status, data, got)
                else:
                    retry_after = parse_retry_after(got.get("Retry-After"), self.clock.now())
                    failure, error = call.status(status, raw, got, retry_after)
                    if failure == "refused":
                        self._health.good()
                        raise error
            tried = tried or failure not in ("connect", "throttled")
            self._health.failed()
            count = TRIES if self._health.down else attempt
            jitter = random.random()  # noqa: S311 - spreads retries, protects nothing
            wait = decide(call.method, count, failure, retry_after, jitter, repeatable=call.repeatable)
            if failure in ("throttled", "unavailable"):
                # The others wait as well, whether or not this request goes on; its own wait is its next turn.
                self.limiter.throttled(ticket, wait if wait is not None else retry_after or BREATH)
                if wait is None:
                    raise error
            elif wait is None:
                raise error
            elif self.clock.wait(wait):
                raise Interrupted(f"Stopped while {self.title} was failing; {call.method} {call.path} is not done.")

    def _url(self, call: _Call, path: str, params: Params | None) -> str:
        """The full address, always on our own origin: of a remote's link only path and query are used."""
        if path.lower().startswith(("http://", "https://")):
            own, parts = urlsplit(self.base_url), _split(path)
            if parts is None or (parts.scheme, parts.netloc.lower()) != (own.scheme, own.netloc.lower()):
                raise call.error(BadAnswer, f"{self.title} named an address on another host; it was not followed")
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            url = f"{own.scheme}://{own.netloc}/{path.lstrip('/')}"
        else:
            url = f"{self.base_url}/{path.lstrip('/')}"
        pairs: list[tuple[str, str]] = []
        for key, value in (params or {}).items():
            values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
            wanted = (item for item in values if item is not None)
            pairs.extend((key, str(int(item)) if isinstance(item, bool) else str(item)) for item in wanted)
        if pairs:
            url += ("&" if "?" in url else "?") + urlencode(pairs, quote_via=quote)
        return url


class _Call:
    """What one request is called in messages, and the errors it can end with."""

    def __init__(self, client: Client, method: str, path: str, repeatable: bool | None) -> None:
        self.name, self.title = client.name, client.title
        self.sign_in_hint = client.sign_in_hint
        self.method = method
        parts = _split(path) if path.lower().startswith("http") else None
        self.path = clean((parts.path if parts else path).partition("?")[0], 200)  # a query may hold an e-mail
        self.repeatable = method in REPEATABLE if repeatable is None else repeatable
        self.changes = method in ("PUT", "DELETE")  # after the last try it may have taken effect all the same

    def error(self, kind: type[RemoteError], sentence: str, **facts: Any) -> RemoteError:
        return kind(
            sentence + ".",
            hint=self.sign_in_hint if kind is AuthFailed else f"connectctl connection test {self.name}",
            connection=self.name,
            method=self.method,
            path=self.path,
            **facts,
        )

    def parse(self, status: int, raw: bytes, headers: Mapping[str, str]) -> Any:
        if not raw.strip():
            # Without a stated length, an empty body may as well be a connection that broke.
            framed = "Content-Length" in headers or "Transfer-Encoding" in headers
            if status != 204 and (self.method == "GET" or not framed):
                raise Unreadable("an empty answer")
            return None
        return parse_json(raw)

    def parse_refusal(self, raw: bytes) -> Any:
        try:
            return parse_json(raw)
        except Unreadable:
            return None

    def fault(self, fault: Fault) -> RemoteError:
        if fault.failure == "refused":
            return self.error(BadAnswer, f"{self.title} cannot be asked: {self.method} {self.path}: {fault.why}")
        if fault.failure == "connect":
            return self.error(RemoteDown, f"{self.title} cannot be reached: {self.method} {self.path}: {fault.why}")
        if self.repeatable and not self.changes:
            return self.error(RemoteDown, f"{self.title} did not answer {self.method} {self.path}: {fault.why}")
        return self.unsure(fault.why)

    def unsure(self, why: str, **facts: Any) -> RemoteError:
        return self.error(RemoteUnsure, f"{self.title} may have carried out {self.method} {self.path}: {why}", **facts)

    def unreadable(self, what: str) -> RemoteError:
        if not self.repeatable:
            return self.unsure(f"it answered with {what}")
        reason = ": usually missing rights or a wrong base_url" if "web page" in what else ""
        return self.error(BadAnswer, f"{self.title} answered {self.method} {self.path} with {what}{reason}")

    def status(
        self, status: int, raw: bytes, headers: Mapping[str, str], retry_after: float | None
    ) -> tuple[Failure, RemoteError]:
        words = remote_words(status, raw)
        facts: dict[str, Any] = {"status": status, "detail": words, "retry_after": retry_after}
        place = f"{self.method} {self.path}: {status}: {words.rstrip('.')}"
        if status == 429:
            return "throttled", self.error(RemoteDown, f"{self.title} keeps throttling {place}", **facts)
        if 500 <= status < 600 or status == 408:
            failure: Failure = "unavailable" if status == 503 else "server"
            if self.repeatable and not self.changes:
                return failure, self.error(RemoteDown, f"{self.title} failed {place}", **facts)
            return failure, self.unsure(f"{status}: {words.rstrip('.')}", **facts)
        if 300 <= status < 400:
            target = _split(headers.get("Location", ""))
            sign_in = target is not None and any(word in target.path.lower() for word in _SIGN_IN)
            kind: type[RemoteError] = AuthFailed if sign_in else BadAnswer
            where = "its sign-in page" if sign_in else "another address"
            return "refused", self.error(kind, f"{self.title} sent {self.method} {self.path} on to {where}", **facts)
        kinds: dict[int, type[RemoteError]] = {401: AuthFailed, 403: NotAllowed, 404: NotFound, 410: NotFound}
        kind = kinds.get(status, Rejected if 400 <= status < 500 else BadAnswer)
        return "refused", self.error(kind, f"{self.title} refused {place}", **facts)


def _body(json: Any, form: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if json is not None:
        return _json.dumps(json, allow_nan=False).encode(), {"Content-Type": "application/json"}
    return None, {}


def _split(url: str) -> Any:
    """The parts of an address from a remote, None when it is not one."""
    if any(ord(sign) <= 32 or sign == "\\" for sign in url):
        return None
    try:
        return urlsplit(url)
    except ValueError:
        return None
