"""A real SMTP server whose answers a test chooses, with certificates of its own; and one made of bare sockets."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from connectctl.config.secrets import Secret
from connectctl.notify.address import parse_server
from connectctl.notify.smtp import Mailer

USER, PASSWORD = "post@acme.example", "pa55-wörd-of-ours"


@dataclass
class Post:
    """What the server got, and what it answers: `rcpt` and `data` are taken from the front, then it says yes."""

    port: int = 0
    ca: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    sessions: int = 0
    rcpt: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    drop_after_data: int = 0
    _peers: set[Any] = field(default_factory=set)

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: Any) -> Any:  # noqa: N802
        self.sessions += session.peer not in self._peers
        self._peers.add(session.peer)
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.rcpt:
            answer = self.rcpt.pop(0)
            if not answer.startswith("250"):
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data:
            return self.data.pop(0)
        self.raw.append(envelope.original_content)
        self.mails.append(email.message_from_bytes(envelope.original_content, policy=email.policy.default))  # type: ignore[arg-type]
        self.receivers += envelope.rcpt_tos
        if self.drop_after_data:
            self.drop_after_data -= 1
            server.transport.abort()
        return "250 taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(f"{mechanism} {data.login.decode()}")
        good = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
        # A server that repeats what it was given, as some do.
        return AuthResult(
            success=good, handled=good, message=None if good else f"535 5.7.8 no: {data.password.decode()}"
        )

    def url(self, options: str = "", *, scheme: str = "smtp", user: str = "") -> str:
        who = f"{user.replace('@', '%40')}@" if user else ""
        query = "&".join(part for part in (options, f"ca={self.ca}" if self.ca else "") if part)
        return f"{scheme}://{who}127.0.0.1:{self.port}" + (f"?{query}" if query else "")

    def mailer(
        self, options: str = "", *, scheme: str = "smtp", user: str = "", password: str = "", **more: Any
    ) -> Mailer:
        """A client of this server."""
        server = parse_server(self.url(options, scheme=scheme, user=user))
        return Mailer(server, "connectctl@acme.example", Secret(password) if password else None, **more)


class Server(Controller):
    """aiosmtpd in a thread; `security` is plain, starttls or tls."""

    def __init__(self, post: Post, certificate: trustme.LeafCert, *, security: str, sign_in: bool) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        self._options: dict[str, Any] = {"hostname": "post.example", "enable_SMTPUTF8": False}
        if sign_in:
            self._options |= {"authenticator": post.authenticate, "auth_require_tls": security == "starttls"}
        if security == "starttls":
            self._options["tls_context"] = context
        self._sign_in = sign_in
        super().__init__(post, "127.0.0.1", 0, ssl_context=context if security == "tls" else None)

    def factory(self) -> SMTP:
        server = SMTP(self.handler, **self._options)
        server._auth_required = self._sign_in  # as an argument it warns about connections without STARTTLS
        return server

    def _trigger_server(self) -> None:
        """The controller's own looks at the port it was given, which is 0."""
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def start(authority: trustme.CA, tmp_path: Path) -> Iterator[Callable[..., Post]]:
    """`start(security="starttls", sign_in=True, name="other.example")`: a running server."""
    running: list[Server] = []

    def run(*, security: str = "plain", sign_in: bool = False, name: str = "127.0.0.1", trusted: bool = True) -> Post:
        post = Post()
        if trusted and security != "plain":
            file = tmp_path / "authority.pem"
            authority.cert_pem.write_to_path(str(file))
            post.ca = str(file)
        server = Server(post, authority.issue_cert(name), security=security, sign_in=sign_in)
        server.start()
        running.append(server)
        post.port = server.port
        return post

    yield run
    for server in running:
        server.stop()


@pytest.fixture
def bare() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """`bare(talk)`: the port of a server that calls `talk` with each connection, then closes it."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def run(talk: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        threads.append(thread)
        return int(listener.getsockname()[1])

    yield run
    for listener in listeners:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(10)
