"""A thin SMTP client: one connection, opened on first use, TLS always verified, each mail confirmed or an error."""

from __future__ import annotations

import re
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from connectctl.errors import (
    AuthFailed,
    BadAnswer,
    Rejected,
    RemoteDown,
    RemoteError,
    RemoteUnsure,
    SettingInvalid,
)
from connectctl.http.redact import clean, known_secrets, redact
from connectctl.notify.address import MailServer, ascii_domain, parse_server

if TYPE_CHECKING:
    import smtplib
    import ssl
    from email.message import EmailMessage

    from connectctl.config.secrets import Secret
    from connectctl.config.settings import ConnectionSettings
    from connectctl.model import Clock

LONGEST = 120.0  # seconds a mail, or signing in, may take at most; a server that drips would hold a run for ever

Reply = tuple[int, bytes]


def make_client(settings: ConnectionSettings, _clock: Clock | None = None) -> Mailer:
    """The client of the connection smtp. Raises ConfigError; connects to nothing."""
    url = settings.require("url")
    try:
        server = parse_server(url)
    except ValueError as error:
        hint = f"connectctl connection set {settings.kind} url"
        raise SettingInvalid(f"The setting url of connection {settings.kind} {error}", hint=hint) from None
    if settings.has("password") and not server.user:
        raise SettingInvalid(
            f"The connection {settings.kind} has a password, but its url names no user: smtp://USER@{server.place}",
            hint=f"connectctl connection set {settings.kind} url",
        )
    password = settings.secret("password") if server.user else None
    return Mailer(server, settings.require("sender"), password, timeout=settings.timeout[1])


def whoami(client: Mailer) -> str:
    """Connects, signs in, and says where and as whom. No mail is sent."""
    return client.whoami()


class Mailer:
    """One mail server. `calls` counts mails handed over. Not for several threads at once."""

    def __init__(
        self,
        server: MailServer,
        sender: str,
        password: Secret | None = None,
        *,
        timeout: float = 30.0,
        longest: float = LONGEST,
    ) -> None:
        self.server, self.sender = server, sender
        self.calls = 0
        self._password, self._timeout, self._longest = password, timeout, longest
        self._smtp: smtplib.SMTP | None = None

    @property
    def connected(self) -> bool:
        """Whether the connection is open and can take another mail."""
        return self._smtp is not None

    def whoami(self) -> str:
        """Where and as whom; raises RemoteError."""
        smtp = self._open()
        version = getattr(smtp.sock, "version", lambda: None)()
        user = f"signed in as {self.server.user}" if self.server.user else "not signed in"
        return f"{self.server.place}, {user}, {version or 'not encrypted'}; mails from {clean(self.sender)}"

    def send(self, message: EmailMessage, receiver: str) -> None:
        """Returns once the server has taken the mail.

        Raises RemoteDown (try later), Rejected (this mail, for good), AuthFailed, BadAnswer (no safe connection), or
        RemoteUnsure when the connection broke before the answer: sent again, the mail may arrive twice, but with the
        same Message-ID.
        """
        from email.policy import SMTP

        smtp = self._open()
        sender, receiver = ascii_domain(self.sender), ascii_domain(receiver)
        options: Sequence[str] = ()
        if not (sender + receiver).isascii():
            if not smtp.has_extn("smtputf8"):
                raise self._error(Rejected, f"takes no addresses beyond ASCII, such as {clean(receiver)}")
            options = ("SMTPUTF8",)
        body = message.as_bytes(policy=SMTP.clone(utf8=bool(options)))
        with self._guarded():
            self._took(smtp.mail(sender, options), "refused the sender")
            self._took(smtp.rcpt(receiver), f"refused the receiver {clean(receiver)}")
        with self._guarded(sending=True):
            self._took(smtp.data(body), "refused the mail")
        self.calls += 1

    def close(self) -> None:
        """Says goodbye, where there is somebody to say it to."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            if smtp.sock is not None:
                smtp.sock.settimeout(2.0)  # the mails are through; nobody waits for a farewell
            with suppress(Exception):
                smtp.docmd("QUIT")
            smtp.close()

    # -- the conversation -------------------------------------------------------------------------------------------

    def _open(self) -> smtplib.SMTP:
        if self._smtp is None:
            context = self._context() if self.server.security != "plain" else None
            self._smtp = smtp = self._made(context)
            with self._guarded(opening=True):
                self._took(smtp.connect(self.server.host, self.server.port), "does not welcome us")
                smtp.ehlo_or_helo_if_needed()
                if self.server.security == "starttls":
                    if not smtp.has_extn("starttls"):
                        why = "does not offer STARTTLS, and a mail is not sent in the clear"
                        raise self._error(BadAnswer, why, "smtps://… if it expects TLS from the first byte")
                    self._took(smtp.starttls(context=context), "refused STARTTLS")
                    smtp.ehlo_or_helo_if_needed()
                if self._password is not None:
                    self._sign_in(smtp, self.server.user, self._password.reveal())
        return self._smtp

    def _made(self, context: ssl.SSLContext | None) -> smtplib.SMTP:
        import smtplib

        # Not the look-up of our own name that smtplib makes: it can hang, and says more than a server has to know.
        name = socket.gethostname()
        ours = name if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", name) else "localhost"
        smtp: smtplib.SMTP
        if self.server.security == "tls":
            smtp = smtplib.SMTP_SSL(local_hostname=ours, timeout=self._timeout, context=context)
        else:
            smtp = smtplib.SMTP(local_hostname=ours, timeout=self._timeout)
        # What the certificate is checked for. The constructor sets it only when it connects at once, unguarded.
        smtp._host = self.server.host  # type: ignore[attr-defined]
        return smtp

    def _context(self) -> ssl.SSLContext:
        import ssl

        try:
            context = ssl.create_default_context(cafile=self.server.ca or None)
        except OSError as error:
            hint = "connectctl connection set smtp url"
            reason = error.strerror or "it holds no certificates"
            raise SettingInvalid(f"The file {self.server.ca} of ?ca= cannot be used: {reason}", hint=hint) from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _sign_in(self, smtp: smtplib.SMTP, user: str, password: str) -> None:
        """AUTH PLAIN or LOGIN in UTF-8, over TLS or loopback; smtplib's own takes no password beyond ASCII."""
        offered = smtp.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            reply = smtp.docmd("AUTH", "PLAIN " + _coded(f"\0{user}\0{password}"))
        elif "LOGIN" in offered:
            reply = smtp.docmd("AUTH", "LOGIN " + _coded(user))
            if reply[0] == 334:
                reply = smtp.docmd(_coded(password))
        else:
            raise self._error(AuthFailed, "offers neither AUTH PLAIN nor AUTH LOGIN")
        if 500 <= reply[0] < 600:
            hint = "connectctl connection set smtp password"
            raise self._error(AuthFailed, f"does not let {clean(user)} sign in: {self._words(reply)}", hint)
        self._took(reply, "refused to sign us in")

    def _took(self, reply: Reply, why: str) -> None:
        """Raises unless the reply is a yes."""
        code = reply[0]
        if 200 <= code < 300:
            return
        kind: type[RemoteError] = Rejected if 500 <= code < 600 else RemoteDown
        if code == 530:
            kind = AuthFailed
        raise self._error(kind, f"{why}: {self._words(reply)}", status=code)

    @contextmanager
    def _guarded(self, *, opening: bool = False, sending: bool = False) -> Iterator[None]:
        """Errors in our words, an end after `longest` seconds, and the connection as it was or closed."""
        import smtplib
        import ssl

        smtp = self._smtp
        watch = threading.Timer(self._longest, _cut, (smtp,))
        watch.daemon = True
        watch.start()
        try:
            yield
        except RemoteError as error:
            self._reset(drop=opening or error.status == 421)
            raise
        except smtplib.SMTPDataError as error:  # refused before the body left
            self._reset(drop=error.smtp_code == 421)
            self._took((error.smtp_code, _bytes(error.smtp_error)), "refused the mail")
            raise self._error(RemoteDown, "did not take the mail") from None
        except ssl.SSLCertVerificationError as error:
            self._reset(drop=True)
            hint = f"{self.server.place}?ca=/path/to/ca.pem in the url, if the certificate is your own"
            why = f"shows a certificate that is not trusted: {error.verify_message}"
            raise self._error(BadAnswer, why, hint) from None
        except smtplib.SMTPNotSupportedError as error:
            self._reset(drop=True)
            raise self._error(BadAnswer, f"cannot do what is needed: {error}") from None
        except smtplib.SMTPResponseException as error:
            self._reset(drop=True)
            self._took((error.smtp_code, _bytes(error.smtp_error)), "refused us")
            raise self._error(RemoteDown, f"answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self._reset(drop=True)
            why = _why(error)
            if sending:
                raise self._error(RemoteUnsure, f"did not say whether it took the mail: {why}") from None
            raise self._error(RemoteDown, f"cannot be reached: {why}" if opening else f"went away: {why}") from None
        finally:
            watch.cancel()

    def _reset(self, *, drop: bool) -> None:
        """Makes the connection ready for another mail, or closes it."""
        smtp = self._smtp
        if smtp is not None and not drop and smtp.sock is not None:
            with suppress(Exception):
                if smtp.rset()[0] == 250:
                    return
        self._smtp = None
        if smtp is not None:
            smtp.close()

    def _error(
        self, kind: type[RemoteError], why: str, hint: str | None = None, status: int | None = None
    ) -> RemoteError:
        words = f"The mail server {self.server.place} {redact(clean(why, 400), self._secrets())}"
        return kind(words, hint=hint or "connectctl connection test smtp", connection="smtp", status=status)

    def _words(self, reply: Reply) -> str:
        return clean(redact(f"{reply[0]} {reply[1].decode('utf-8', 'replace')}", self._secrets()))

    def _secrets(self) -> tuple[str, ...]:
        if self._password is None:
            return known_secrets()
        password = self._password.reveal()
        return (*known_secrets(), password, _coded(password), _coded(f"\0{self.server.user}\0{password}"))


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


def _bytes(words: str | bytes) -> bytes:
    return words if isinstance(words, bytes) else words.encode()


def _cut(smtp: smtplib.SMTP | None) -> None:
    """Ends a conversation from another thread: whoever waits in it gets an error."""
    sock = smtp.sock if smtp is not None else None
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "the host name is not known"
    return clean(getattr(error, "strerror", None) or error, 200)
