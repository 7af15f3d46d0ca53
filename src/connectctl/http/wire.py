"""One request on the wire: sent once, answered or failed, with what is known about how far it got."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.utils import get_environ_proxies

from connectctl.errors import ConfigError, SettingInvalid
from connectctl.http.answers import MOST_BYTES
from connectctl.http.redact import clean
from connectctl.http.retry import Failure

CHUNK = 64 * 1024
LONGEST_BODY = 300.0  # seconds for one answer: a trickle of bytes never trips the read time-out


class Fault(Exception):
    """A request without a whole answer: what kind of failure, and why in words of ours."""

    def __init__(self, failure: Failure, why: str) -> None:
        super().__init__(why)
        self.failure = failure
        self.why = why


class TooLarge(Exception):
    """An answer beyond the cap, counted after unpacking."""


def check_base_url(name: str, url: str) -> str:
    """The address without trailing slash. Raises SettingInvalid unless it is https, or http on this machine."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", 0, urlsplit("")
    odd = any(ord(sign) <= 32 or sign in "\\<>\"'" for sign in url.strip())
    problem = (
        "is not an address such as https://host.example.org"
        if parts.scheme not in ("http", "https") or not host or odd or port == 0
        else "must not contain a user name or password"
        if "@" in parts.netloc
        else "must not contain ? or #"
        if parts.query or parts.fragment
        else "must begin with https:// (http:// only for this machine)"
        if parts.scheme == "http" and not is_loopback(host)
        else ""
    )
    if problem:
        raise SettingInvalid(
            f"The setting base_url of connection {name} {problem}.", hint=f"connectctl connection set {name} base_url"
        )
    return url.strip().rstrip("/")


def is_loopback(host: str) -> bool:
    """True for localhost and loopback addresses."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Wire:
    """A pool of connections to one origin: no redirects, no netrc, no cookies, TLS always verified.

    The adapter is used without a requests.Session on purpose: a session reads netrc, keeps cookies across threads and
    parses the Location of redirects that nobody follows.
    """

    def __init__(
        self, base_url: str, *, threads: int, timeout: tuple[float, float], transport: BaseAdapter | None = None
    ) -> None:
        self._adapter = transport or HTTPAdapter(pool_connections=2, pool_maxsize=max(1, threads), max_retries=0)
        self._timeout = timeout
        local = is_loopback(urlsplit(base_url).hostname or "")
        self._proxies: Mapping[str, str] = {} if local else get_environ_proxies(base_url)
        self._verify = _ca_bundle()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """(status, unpacked body, headers). Raises Fault or TooLarge."""
        request = requests.PreparedRequest()
        try:
            request.prepare(method=method, url=url, headers=dict(headers), data=body)
        except (requests.RequestException, ValueError):
            raise Fault("refused", "the address or a header is not valid") from None
        try:
            response = self._adapter.send(
                request, stream=True, timeout=self._timeout, verify=self._verify, proxies=self._proxies
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise self._fault(error) from None
        try:
            return response.status_code, self._read(response.raw, response.headers), response.headers
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            fault = self._fault(error)
            raise Fault("lost", fault.why) from None
        finally:
            response.close()

    def close(self) -> None:
        self._adapter.close()

    def _read(self, raw: Any, headers: Mapping[str, str]) -> bytes:
        end = time.monotonic() + LONGEST_BODY
        read = getattr(raw, "read1", raw.read)
        parts: list[bytes] = []
        size = 0
        while chunk := read(CHUNK, decode_content=True):
            size += len(chunk)
            if size > MOST_BYTES:
                raise TooLarge
            if time.monotonic() > end:
                raise Fault("lost", "the answer did not end")
            parts.append(chunk)
        return b"".join(parts)

    def _fault(self, error: BaseException) -> Fault:
        """How far the request got, by what broke; when in doubt it was sent."""
        chain = list(_chain(error))
        for cause in chain:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return Fault("refused", f"its TLS certificate is not trusted: {clean(cause.verify_message, 120)}")
        for cause in chain:
            if isinstance(cause, urllib3.exceptions.NameResolutionError | socket.gaierror):
                return Fault("connect", "the host name is not known")
            if isinstance(cause, requests.exceptions.ConnectTimeout):
                return Fault("connect", f"no connection within {self._timeout[0]:g} s")
            if isinstance(cause, requests.exceptions.ProxyError | urllib3.exceptions.ProxyError):
                return Fault("connect", "the proxy does not answer or refuses")
            if isinstance(cause, urllib3.exceptions.NewConnectionError):
                refused = any(isinstance(item, ConnectionRefusedError) for item in chain)
                return Fault("connect", "connection refused" if refused else "no connection")
        for cause in chain:
            if isinstance(cause, requests.exceptions.ReadTimeout | urllib3.exceptions.ReadTimeoutError | TimeoutError):
                return Fault("lost", f"no answer within {self._timeout[1]:g} s")
            if isinstance(cause, urllib3.exceptions.IncompleteRead):
                return Fault("lost", "the answer was cut off")
            if isinstance(cause, urllib3.exceptions.DecodeError):
                return Fault("lost", "the answer could not be unpacked")
            if isinstance(cause, ssl.SSLError):
                return Fault("lost", "the TLS connection failed")
        return Fault("lost", "the connection broke before the answer")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made from: requests and urllib3 keep causes in `args`, `reason`, and the context."""
    todo, seen = [error], set[int]()
    while todo and len(seen) < 30:
        item = todo.pop(0)
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        more = [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]
        todo += [cause for cause in more if isinstance(cause, BaseException)]


def _ca_bundle() -> bool | str:
    """True, or the operator's own file of certificate authorities; there is no way to switch verification off."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        path = os.environ.get(name)
        if path:
            if not os.path.exists(path):
                raise ConfigError(f"{name} names a file that does not exist.", hint=f"unset {name}")
            return path
    return True
