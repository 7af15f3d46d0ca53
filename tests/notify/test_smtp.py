"""The SMTP client against a real server: TLS, signing in, refusals, hangs and lost answers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from tests.notify.conftest import PASSWORD, USER, Post

from connectctl.errors import AuthFailed, BadAnswer, ConnectctlError, Rejected, RemoteDown, RemoteUnsure, SettingInvalid
from connectctl.model import Notice
from connectctl.notify.digest import compose

Start = Callable[..., Post]
Bare = Callable[[Callable[[socket.socket], None]], int]
RECEIVER = "ada@acme.example"


def mail(subject: str = "hello", *lines: str) -> EmailMessage:
    return compose(
        Notice("CREDLY", subject, lines),
        sender="connectctl@acme.example",
        receiver=RECEIVER,
        at=datetime(2026, 2, 10, tzinfo=UTC),
        ident="1",
    )


@pytest.mark.req("GN-18")
@pytest.mark.parametrize(
    ("security", "scheme", "options"),
    [("plain", "smtp", ""), ("starttls", "smtp", "starttls=true"), ("tls", "smtps", "")],
)
def test_a_mail_arrives_whole(start: Start, security: str, scheme: str, options: str) -> None:
    post = start(security=security, sign_in=True)
    mailer = post.mailer(options, scheme=scheme, user=USER, password=PASSWORD)
    mailer.send(mail("Grüße aus 東京", "Zoë Ångström", ".", "..dots"), RECEIVER)
    mailer.send(mail("again"), RECEIVER)
    assert mailer.calls == 2
    who = mailer.whoami()
    mailer.close()
    assert (post.sessions, post.receivers, post.logins) == (1, [RECEIVER] * 2, [f"PLAIN {USER}"])
    assert post.mails[0]["Subject"] == "[connectctl] Grüße aus 東京"
    assert "Zoë Ångström\n.\n..dots\n" in post.mails[0].get_content().replace("\r", "")
    assert post.raw[0].isascii()
    assert USER in who
    assert ("TLSv1." in who) is (security != "plain")
    assert PASSWORD not in who


def test_without_a_user_nobody_signs_in_and_testing_sends_nothing(start: Start) -> None:
    post = start()
    mailer = post.mailer()
    assert "not signed in, not encrypted; mails from connectctl@acme.example" in mailer.whoami()
    mailer.close()
    mailer.close()
    assert (post.mails, post.logins, post.sessions) == ([], [], 1)


def test_a_server_without_starttls_gets_neither_password_nor_mail(start: Start) -> None:
    post = start(sign_in=True)
    with pytest.raises(BadAnswer, match="does not offer STARTTLS") as refused:
        post.mailer("starttls=true", user=USER, password=PASSWORD).send(mail(), RECEIVER)
    assert "smtps://" in str(refused.value.hint)
    assert (post.logins, post.mails) == ([], [])


@pytest.mark.parametrize(
    ("security", "scheme", "options"), [("starttls", "smtp", "starttls=true"), ("tls", "smtps", "")]
)
@pytest.mark.parametrize("why", ["unknown authority", "another name"])
def test_a_certificate_that_is_not_ours_ends_it(
    start: Start, security: str, scheme: str, options: str, why: str
) -> None:
    name = "other.example" if why == "another name" else "127.0.0.1"
    post = start(security=security, sign_in=True, name=name, trusted=why == "another name")
    mailer = post.mailer(options, scheme=scheme, user=USER, password=PASSWORD)
    with pytest.raises(BadAnswer, match="certificate that is not trusted") as refused:
        mailer.send(mail(), RECEIVER)
    assert "ca=" in str(refused.value.hint)
    assert (mailer.connected, post.logins, post.mails) == (False, [], [])


def test_a_file_of_authorities_that_is_none(start: Start, tmp_path: Path) -> None:
    post = start(security="tls")
    for name, text in (("gone.pem", None), ("empty.pem", ""), ("words.pem", "words")):
        post.ca = str(tmp_path / name)
        if text is not None:
            Path(post.ca).write_text(text)
        with pytest.raises(SettingInvalid, match=name):
            post.mailer(scheme="smtps").whoami()


@pytest.mark.parametrize("user", [USER, "nobody"])
def test_a_wrong_password_is_never_repeated(start: Start, user: str) -> None:
    post = start(security="tls", sign_in=True)
    with pytest.raises(AuthFailed, match="does not let") as refused:
        post.mailer(scheme="smtps", user=user, password="wrong-pa55word").whoami()
    assert "wrong-pa55word" not in refused.value.message
    assert "***" in refused.value.message
    assert refused.value.hint == "connectctl connection set smtp password"
    assert post.logins == [f"PLAIN {user}"]


def test_a_server_that_wants_a_password_we_do_not_have(start: Start) -> None:
    post = start(security="tls", sign_in=True)
    mailer = post.mailer(scheme="smtps")
    with pytest.raises(AuthFailed, match="530"):
        mailer.send(mail(), RECEIVER)
    mailer.close()


def test_greylisting_is_for_later_and_the_connection_lives_on(start: Start) -> None:
    post = start()
    post.rcpt = ["450 4.2.0 greylisted, come back"]
    mailer = post.mailer()
    with pytest.raises(RemoteDown, match="greylisted"):
        mailer.send(mail(), RECEIVER)
    assert mailer.connected
    mailer.send(mail(), RECEIVER)
    mailer.close()
    assert (len(post.mails), post.sessions) == (1, 1)


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        ({"rcpt": ["550 5.1.1 no such\x1b[31m user"]}, Rejected, "refused the receiver ada@acme.example: 550"),
        ({"data": ["554 5.7.1 looks like spam"]}, Rejected, "refused the mail: 554"),
        ({"data": ["452 4.3.1 disk full"]}, RemoteDown, "refused the mail: 452"),
        ({"rcpt": ["421 4.3.2 going down"]}, RemoteDown, "421"),
    ],
)
def test_refusals_are_told_apart(
    start: Start, answers: dict[str, list[str]], kind: type[Exception], words: str
) -> None:
    post = start()
    for name, given in answers.items():
        setattr(post, name, given)
    mailer = post.mailer()
    with pytest.raises(kind) as refused:
        mailer.send(mail(), RECEIVER)
    assert words in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert mailer.connected is ("421" not in words)
    mailer.send(mail(), RECEIVER)
    mailer.close()
    assert len(post.mails) == 1


def test_a_lost_answer_is_unsure(start: Start) -> None:
    post = start()
    post.drop_after_data = 1
    mailer = post.mailer()
    with pytest.raises(RemoteUnsure, match="did not say whether"):
        mailer.send(mail(), RECEIVER)
    mailer.send(mail(), RECEIVER)
    mailer.close()
    first, second = (found["Message-ID"] for found in post.mails)
    assert first == second


def say(connection: socket.socket, *lines: str) -> None:
    """Each line after one of the client's, the first at once."""
    file = connection.makefile("rb")
    for number, line in enumerate(lines):
        if number:
            file.readline()
        connection.sendall(f"{line}\r\n".encode())
    file.readline()
    file.close()


def until_closed(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


@pytest.mark.parametrize(
    ("talk", "kind"),
    [
        (until_closed, RemoteDown),  # never greets
        (lambda c: say(c, "554 no service here"), Rejected),
        (lambda c: say(c, "421 too busy"), RemoteDown),
        (lambda c: say(c, "220 hello"), RemoteDown),  # hangs up on EHLO
        (lambda c: say(c, "HTTP/1.1 400 Bad Request"), RemoteDown),
        (lambda c: say(c, "220 " + "x" * 20000), Rejected),
        (lambda c: say(c, "220 hello", "250 mine", "250 ok", "250 ok"), RemoteUnsure),  # hangs up on DATA
        (lambda c: (say(c, "220 hello", "250 mine", "250 ok", "250 ok", "354 go on"), until_closed(c)), RemoteUnsure),
    ],
)
def test_servers_that_misbehave(bare: Bare, talk: Callable[[socket.socket], None], kind: type[ConnectctlError]) -> None:
    post = Post(port=bare(talk))
    mailer = post.mailer(timeout=0.5)
    with pytest.raises(kind):
        mailer.send(mail(), RECEIVER)
    assert not mailer.connected


def test_a_server_that_drips_is_cut_off(bare: Bare) -> None:
    def drip(connection: socket.socket) -> None:
        connection.settimeout(0.05)
        connection.sendall(b"220 hello\r\n")
        while True:
            try:
                if not connection.recv(65536):
                    return
            except TimeoutError:
                pass
            connection.sendall(b"250-more\r\n")

    post = Post(port=bare(drip))
    with pytest.raises(RemoteDown):
        post.mailer(timeout=10, longest=0.5).whoami()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(RemoteDown, match="cannot be reached"):
        Post(port=port).mailer().whoami()


def test_addresses_beyond_ascii_need_a_server_that_takes_them(start: Start) -> None:
    post = start()
    mailer = post.mailer()
    with pytest.raises(Rejected, match="beyond ASCII"):
        mailer.send(mail(), "zoë@acme.example")
    mailer.send(mail(), "ada@bücher.example")
    mailer.close()
    assert post.receivers == ["ada@xn--bcher-kva.example"]


def test_a_server_with_smtputf8_takes_them(bare: Bare) -> None:
    seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        file = connection.makefile("rb")
        connection.sendall(b"220 hello\r\n")
        for answer in (b"250-mine\r\n250 SMTPUTF8\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            seen.append(file.readline())
            connection.sendall(answer)
        while (line := file.readline()) != b".\r\n":
            seen.append(line)
        connection.sendall(b"250 taken\r\n")
        file.close()

    mailer = Post(port=bare(talk)).mailer()
    mailer.send(mail(), "zoë@acme.example")
    mailer.close()
    assert seen[1].rstrip().endswith(b"SMTPUTF8")
    assert seen[2].decode().upper().encode() == "RCPT TO:<ZOË@ACME.EXAMPLE>\r\n".encode()
