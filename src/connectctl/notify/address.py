"""The address of a mail server: `smtp://user@host:587?starttls=true` or `smtps://user@host:465?ca=/path`. Pure."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Security = Literal["tls", "starttls", "plain"]
PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where and how to connect. `tls`: from the first byte; `starttls`: or not at all; `plain`: never encrypted."""

    host: str
    port: int
    security: Security
    user: str = ""
    ca: str = ""  # a file of certificate authorities that replaces the system's

    @property
    def place(self) -> str:
        """Host and port, as people write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_server(url: str) -> MailServer:
    """What an address means; ValueError with the reason.

    A connection that leaves this machine is encrypted unless `starttls=false` says otherwise, and then nobody signs in.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS:
        raise ValueError("must begin with smtp:// or smtps://")
    if parts.password is not None:
        raise ValueError("must not hold the password: it belongs into the field password")
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError("must end after host and port, but for ?starttls= and ?ca=")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(set(options) - {"starttls", "ca"}):
        raise ValueError(f"has the option {unknown[0]!r}; known are starttls and ca")
    host, user, ca = parts.hostname or "", unquote(parts.username or ""), options.get("ca", "")
    starttls = options.get("starttls")
    if starttls not in (None, "true", "false"):
        raise ValueError("must say starttls=true or starttls=false")
    if "ca" in options and not ca.startswith("/"):
        raise ValueError("must name the file behind ca= by its whole path")
    security: Security = "starttls" if starttls == "true" or (starttls is None and not is_loopback(host)) else "plain"
    if parts.scheme == "smtps":
        if starttls is not None:
            raise ValueError("cannot have starttls: smtps:// is encrypted from the first byte")
        security = "tls"
    if security == "plain" and user and not is_loopback(host):
        raise ValueError("must not sign in with starttls=false: the password would be sent in the clear")
    return MailServer(host, parts.port or PORTS[parts.scheme], security, user, ca)


def ascii_domain(address: str) -> str:
    """A mail address with its domain as DNS has it; what cannot be written so stays, and the server refuses it."""
    local, _, domain = address.rpartition("@")
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name alone: nothing is looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
