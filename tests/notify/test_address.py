"""What the address of a mail server means, and which are refused before anything leaves."""

from __future__ import annotations

import pytest

from connectctl.notify.address import MailServer, ascii_domain, parse_server


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.org", MailServer("mail.example.org", 587, "starttls")),
        ("smtp://u@mail.example.org:25?starttls=true", MailServer("mail.example.org", 25, "starttls", "u")),
        ("smtp://u%40acme.example@mail.example.org", MailServer("mail.example.org", 587, "starttls", "u@acme.example")),
        ("smtp://mail.example.org/?starttls=false", MailServer("mail.example.org", 587, "plain")),
        ("smtps://u@mail.example.org", MailServer("mail.example.org", 465, "tls", "u")),
        ("smtps://mail.example.org?ca=/etc/ca.pem", MailServer("mail.example.org", 465, "tls", ca="/etc/ca.pem")),
        ("smtp://127.0.0.1:25", MailServer("127.0.0.1", 25, "plain")),
        ("smtp://u@localhost", MailServer("localhost", 587, "plain", "u")),
        ("smtp://localhost?starttls=true", MailServer("localhost", 587, "starttls")),
        ("smtps://[::1]:465", MailServer("::1", 465, "tls")),
        # Names that only look like this machine leave it.
        ("smtp://localhost.example.org", MailServer("localhost.example.org", 587, "starttls")),
        ("smtp://127.0.0.1.example.org", MailServer("127.0.0.1.example.org", 587, "starttls")),
    ],
)
def test_what_an_address_means(url: str, server: MailServer) -> None:
    assert parse_server(url) == server


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://mail.example.org", "must begin with"),
        ("smtp://u:geheim@mail.example.org", "must not hold the password"),
        ("smtp://u@mail.example.org?starttls=false", "in the clear"),
        ("smtp://mail.example.org?starttls=maybe", "starttls=true or"),
        ("smtp://mail.example.org?verify=false", "'verify'"),
        ("smtps://mail.example.org?starttls=true", "cannot have starttls"),
        ("smtps://mail.example.org?ca=ca.pem", "whole path"),
        ("smtps://mail.example.org/inbox", "must end"),
    ],
)
def test_what_is_refused(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        parse_server(url)
    assert "geheim" not in str(refused.value)


def test_domains_as_dns_has_them() -> None:
    assert ascii_domain("ada@bücher.example") == "ada@xn--bcher-kva.example"
    assert ascii_domain("ada@acme.example") == "ada@acme.example"
    assert ascii_domain("ada@" + "x" * 70 + "ü.example").endswith("ü.example")
