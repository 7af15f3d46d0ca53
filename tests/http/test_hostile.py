"""A remote that lies, floods, redirects, or wants our credentials elsewhere."""

from __future__ import annotations

import gzip
import logging
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectctl.errors import AuthFailed, BadAnswer, RemoteError, RemoteUnsure, SettingInvalid
from connectctl.http import answers, wire
from connectctl.http.auth import HeaderAuth
from connectctl.http.redact import RedactingFilter
from connectctl.http.session import Client
from connectctl.testing.fake_api import FakeAPI

MakeClient = Callable[..., Client]
KEY = "canary-key-0123456789"


@pytest.mark.parametrize(
    ("body", "what", "tries"),
    [
        (b"<html><body>Sign in</body></html>", "a web page instead of JSON: usually missing rights or a wrong", 1),
        (b'{"data": [1, 2', "broken or cut off JSON", 5),
        (b"", "an empty answer", 5),
        (b"\xff\xfe\x00", "a text that is not UTF-8", 5),
        (b"[" * 100_000, "nested too deeply", 5),
    ],
)
def test_a_200_that_is_no_answer(api: FakeAPI, make: MakeClient, body: bytes, what: str, tries: int) -> None:
    api.on("GET", "/x", body=body)
    with pytest.raises(BadAnswer, match=what):
        make().get("/x")
    assert len(api.requests) == tries


def test_the_body_decides_not_the_content_type(api: FakeAPI, make: MakeClient) -> None:
    api.on("GET", "/x", body=b'{"a": 1}', headers={"Content-Type": "text/html"})
    assert make().get("/x") == {"a": 1}


def test_a_cut_answer_is_read_again(api: FakeAPI, make: MakeClient) -> None:
    api.on("GET", "/x", body=b'{"data": [1, 2', times=1)
    api.on("GET", "/x", json={"ok": 1})
    assert make().get("/x") == {"ok": 1}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_gzip_bomb_is_stopped(api: FakeAPI, make: MakeClient, method: str) -> None:
    bomb = gzip.compress(b"[" + b" " * (answers.MOST_BYTES + 10) + b"]", compresslevel=1)
    assert len(bomb) < 1_000_000
    api.on(method, "/x", body=bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(BadAnswer if method == "GET" else RemoteUnsure, match="more than 64 MiB"):
        make().request(method, "/x")
    assert len(api.requests) == 1


def test_gzip_is_unpacked_and_broken_gzip_is_lost(api: FakeAPI, make: MakeClient) -> None:
    api.on("GET", "/x", body=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})
    api.on("POST", "/x", body=b"no gzip", headers={"Content-Encoding": "gzip"})
    assert make().get("/x") == {"a": 1}
    with pytest.raises(RemoteUnsure, match="could not be unpacked"):
        make().post("/x", {})


def test_netrc_is_ignored(api: FakeAPI, make: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login thief password stolen\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    api.on("GET", "/x", json={})
    make().get("/x")
    make(auth=HeaderAuth(KEY)).get("/x")
    assert [request.headers.get("authorization") for request in api.requests] == [None, f"Bearer {KEY}"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(api: FakeAPI, make: MakeClient, status: int) -> None:
    with FakeAPI() as other:
        api.on("GET", "/x", status=status, headers={"Location": f"{other.url}/elsewhere"})
        api.on("GET", "/y", status=status, headers={"Location": "/learn/signin?from=y"})
        api.on("GET", "/z", status=status, headers={"Location": "http://[broken\\"})
        client = make(auth=HeaderAuth(KEY))
        for path, kind in (("/x", BadAnswer), ("/y", AuthFailed), ("/z", BadAnswer)):
            with pytest.raises(kind):
                client.get(path)
        assert other.requests == []
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    "link",
    [
        "http://evil.example/x",
        "https://127.0.0.1/x",
        "http://127.0.0.1/x",
        "{origin}@evil.example/x",
        "http://user@{host}/x",
        "{origin}.evil.example/x",
        "{origin}\\@evil.example/x",
        "http://[::1]:80/x",
        "http://2130706433/x",
        "http://0x7f.1/x",
        "HTTP://evil.example/x",
        "http://evil.example:99999999/x",
        "http://{host}\t.evil.example/x",
        "http://[/x",
    ],
)
def test_a_link_to_another_host_is_not_followed(api: FakeAPI, make: MakeClient, link: str) -> None:
    host = api.url.removeprefix("http://")
    with pytest.raises(BadAnswer, match="another host"):
        make(auth=HeaderAuth(KEY)).get(link.format(origin=api.url, host=host))
    assert api.requests == []


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "/../x", "@evil.example/x", ".evil.example", ":80@evil.example/x"]
)
def test_a_path_stays_on_the_origin(api: FakeAPI, make: MakeClient, path: str) -> None:
    with pytest.raises(RemoteError):
        make(auth=HeaderAuth(KEY)).request("POST", path)
    assert len(api.requests) == 1
    api.unrouted.clear()


def test_a_link_on_the_own_origin_is_followed(api: FakeAPI, make: MakeClient) -> None:
    api.on("GET", "/v1/next", json={"ok": 1}, params={"page": "2"})
    assert make(api.url + "/v1").get(f"{api.url}/v1/next?page=2") == {"ok": 1}


def test_cookies_are_not_kept(api: FakeAPI, make: MakeClient) -> None:
    api.on("GET", "/x", json={}, headers={"Set-Cookie": "session=1; Path=/"})
    client = make()
    client.get("/x")
    client.get("/x")
    assert all("cookie" not in request.headers for request in api.requests)


@pytest.mark.parametrize(
    "url",
    [
        "http://docebo.example.org",
        "ftp://x.example",
        "docebo.example.org",
        "https://",
        "https://user:pw@x.example",
        "https://x.example/?a=1",
        "https://x.example/#a",
        "https://x exam.ple",
        "https://x.example:99999",
        "https://[::1",
        "",
    ],
)
def test_an_unsafe_base_url_is_refused(url: str) -> None:
    with pytest.raises(SettingInvalid, match="base_url of connection acme") as caught:
        wire.check_base_url("acme", url)
    assert "pw" not in caught.value.message


@pytest.mark.parametrize(
    "url", ["https://x.example/sub/", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:80"]
)
def test_a_safe_base_url_is_kept(url: str) -> None:
    assert wire.check_base_url("acme", url) == url.rstrip("/")


def test_no_secret_is_logged_or_told(api: FakeAPI, make: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(RedactingFilter())
    echo = {"message": f"bad header Authorization: Bearer {KEY} and key {KEY}"}
    for status in (400, 401, 403, 500, 200):
        api.on("POST", f"/{status}", status=status, json=echo, headers={"Location": KEY})
    client = make(auth=HeaderAuth(KEY))
    told = [repr(client), repr(client.auth)]
    for status in (400, 401, 403, 500):
        with pytest.raises(RemoteError) as caught:
            client.post(f"/{status}", {"password": KEY})
        told += [str(caught.value), caught.value.detail, caught.value.hint]
    logging.getLogger("connectctl.test").warning("sent %s", KEY)
    assert KEY not in " ".join(told) + caplog.text
    assert "sent ***" in caplog.text


def test_proxies_come_from_the_environment_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    far = wire.Wire("https://x.example", threads=1, timeout=(1, 1))
    near = wire.Wire("http://127.0.0.1:1", threads=1, timeout=(1, 1))
    assert far._proxies["https"] == "http://proxy.example:3128"
    assert near._proxies == {}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_an_untrusted_certificate_is_refused_at_once(tmp_path: Path, make: MakeClient) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=127.0.0.1", "-days", "2"]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    seen: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    with context.wrap_socket(connection, server_side=True) as secure:
                        seen.append(secure.recv(1000))
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        client = make(f"https://127.0.0.1:{server.getsockname()[1]}", auth=HeaderAuth(KEY))
        with pytest.raises(BadAnswer, match="TLS certificate is not trusted: self"):
            client.post("/x", {})
        thread.join()
    assert seen in ([], [b""])
    assert client.calls == 1


def test_an_unknown_host_is_named(make: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # a real resolver may take its time
    with pytest.raises(RemoteError, match="the host name is not known"):
        make("https://nowhere.invalid").get("/x")


def test_one_pool_serves_many_threads(api: FakeAPI, make: MakeClient) -> None:
    api.on("GET", "/x", json={"ok": 1})
    client = make(threads=8)
    results: list[Any] = []

    def work() -> None:
        results.extend(client.get("/x") for _ in range(25))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [{"ok": 1}] * 200
    assert client.calls == 200
