"""What is sent again, what is not, and which error says so; over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

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
from connectctl.http.auth import BearerAuth, HeaderAuth, Token
from connectctl.http.session import Client
from connectctl.testing.clock import FakeClock
from connectctl.testing.fake_api import FakeAPI

MakeClient = Callable[..., Client]


def test_json_in_and_out(api: FakeAPI, make: MakeClient) -> None:
    api.on("GET", "/v1/things", json={"data": [1]})
    api.on("POST", "/v1/things", status=201, json=lambda request: {"got": request.json})
    api.on("DELETE", "/v1/things/1", status=204)
    client = make(api.url + "/v1/", headers={"X-Mine": "1"})
    params = {"a[]": ["1", 2], "q": "ada+1@example.org", "yes": True, "none": None, "t": "a b"}
    assert client.get("/things", params) == {"data": [1]}
    assert client.post("things", {"é": 1}) == {"got": {"é": 1}}
    assert client.delete("/things/1") is None
    seen = api.requests[0]
    assert dict(seen.params) == {"a[]": ["1", "2"], "q": ["ada+1@example.org"], "yes": ["1"], "t": ["a b"]}
    assert seen.headers["accept"] == "application/json"
    assert seen.headers["x-mine"] == "1"
    assert client.calls == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, AuthFailed),
        (403, NotAllowed),
        (404, NotFound),
        (409, Rejected),
        (410, NotFound),
        (422, Rejected),
        (304, BadAnswer),
        (700, BadAnswer),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refusal_is_final_and_named(
    api: FakeAPI, make: MakeClient, method: str, status: int, kind: type[RemoteError]
) -> None:
    route = api.on(method, "/x", status=status, json={"message": ["not\x1b[31m you"]})
    with pytest.raises(kind) as caught:
        make().request(method, "/x?email=ada@example.org")
    error = caught.value
    assert type(error) is kind
    assert route.count == 1
    assert (error.connection, error.method, error.path, error.status) == ("acme", method, "/x", status)
    assert error.hint == ("connectctl connection list" if kind is AuthFailed else "connectctl connection test acme")
    if status >= 400:
        assert error.message == f"Acme refused {method} /x: {status}: not you."


def test_a_status_can_be_accepted(api: FakeAPI, make: MakeClient) -> None:
    api.on("POST", "/x", status=422, json={"errors": ["duplicate"]})
    api.on("POST", "/y", status=409, body="<html>")
    assert make().request("POST", "/x", json={}, accept=(422,)).data == {"errors": ["duplicate"]}
    assert make().request("POST", "/y", json={}, accept=(409,)).data is None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "trouble", [{"status": 500}, {"status": 503}, {"status": 408}, {"close": "before"}, {"close": "half"}]
)
def test_reads_and_repeatable_writes_are_sent_again(
    api: FakeAPI, make: MakeClient, method: str, trouble: dict[str, Any]
) -> None:
    api.on(method, "/x", json={"n": 1, "text": "x" * 50}, times=2, **trouble)
    api.on(method, "/x", json={"ok": 1})
    client = make()
    assert client.request(method, "/x").data == {"ok": 1}
    assert client.calls == len(api.requests) == 3


@pytest.mark.parametrize(("trouble", "kind"), [({"status": 502}, RemoteDown), ({"close": "after"}, RemoteDown)])
def test_five_tries_and_then_it_is_down(
    api: FakeAPI, make: MakeClient, clock: FakeClock, trouble: dict[str, Any], kind: type[RemoteError]
) -> None:
    api.on("GET", "/x", json={}, **trouble)
    with pytest.raises(kind):
        make().get("/x")
    assert len(api.requests) == 5
    assert len(clock.waits) == 4
    assert sum(clock.waits) <= 7.5


@pytest.mark.parametrize(
    "trouble", [{"status": 500}, {"status": 503}, {"close": "before"}, {"close": "after"}, {"close": "half"}]
)
def test_a_post_whose_answer_is_lost_is_never_sent_twice(
    api: FakeAPI, make: MakeClient, trouble: dict[str, Any]
) -> None:
    effects: list[object] = []
    api.on("POST", "/badges", json=lambda request: effects.append(request) or {"id": "b" * 50}, **trouble)
    with pytest.raises(RemoteUnsure, match="Acme may have carried out POST /badges"):
        make().post("/badges", {"user": 1})
    assert len(api.requests) == 1
    assert len(effects) == (0 if trouble.get("close") == "before" else 1)


@pytest.mark.parametrize("body", [b"<html>ok</html>", b'{"id": "b1', b"\xff\xfe", b"[" * 5000])
def test_a_post_with_an_unreadable_answer_is_unsure(api: FakeAPI, make: MakeClient, body: bytes) -> None:
    api.on("POST", "/badges", status=201, body=body)
    with pytest.raises(RemoteUnsure):
        make().post("/badges", {})
    assert len(api.requests) == 1


def test_a_put_that_would_double_is_treated_like_a_post(api: FakeAPI, make: MakeClient) -> None:
    api.on("PUT", "/x", json={}, close="after")
    with pytest.raises(RemoteUnsure):
        make().put("/x", {}, repeatable=False)
    assert len(api.requests) == 1


def test_a_repeatable_post_is_sent_again(api: FakeAPI, make: MakeClient) -> None:
    api.on("POST", "/token", json={}, close="after", times=1)
    api.on("POST", "/token", json={"t": 1})
    assert make().post("/token", {}, repeatable=True) == {"t": 1}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        ("100000000", 120, 120),
        ("-1", 2, 4),
        ("0", 2, 4),
        (None, 2, 4),
        ("Sun, 01 Mar 2026 12:00:09 GMT", 9, 9),
    ],
)
def test_a_429_is_waited_out_for_every_method(
    api: FakeAPI, make: MakeClient, clock: FakeClock, method: str, header: str | None, least: float, most: float
) -> None:
    api.on(method, "/x", status=429, headers={"Retry-After": header} if header else {}, times=1)
    api.on(method, "/x", json={"ok": 1})
    start = clock.now()
    assert make().request(method, "/x").data == {"ok": 1}
    assert least <= (clock.now() - start).total_seconds() <= most
    assert len(api.requests) == 2


def test_endless_429_is_down_after_five_tries_and_says_when(api: FakeAPI, make: MakeClient) -> None:
    api.on("POST", "/x", status=429, json={"message": "slow"}, headers={"Retry-After": "30"})
    with pytest.raises(RemoteDown, match="keeps throttling POST /x: 429: slow") as caught:
        make().post("/x", {})
    assert caught.value.retry_after == 30.0
    assert len(api.requests) == 5


def test_one_429_stops_the_other_threads_as_well(api: FakeAPI, make: MakeClient, clock: FakeClock) -> None:
    api.on("GET", "/a", status=429, headers={"Retry-After": "60"}, times=1)
    api.on("GET", "/a", json={})
    api.on("GET", "/b", json={})
    client = make(rate="5/s")
    start = clock.now()
    client.get("/a")
    client.get("/b")
    assert (clock.now() - start).total_seconds() >= 60
    assert client.limiter.factor < 1.0


def test_nothing_sent_is_down_for_a_post_too(make: MakeClient, clock: FakeClock) -> None:
    with FakeAPI() as gone:
        url = gone.url
    with pytest.raises(RemoteDown, match="Acme cannot be reached: POST /x: connection refused"):
        make(url).post("/x", {})
    assert len(clock.waits) == 4


def test_a_slow_answer_is_lost(api: FakeAPI, make: MakeClient) -> None:
    release = threading.Event()
    api.on("POST", "/x", json=lambda request: release.wait(5) and {})
    with pytest.raises(RemoteUnsure, match=r"no answer within 0\.05 s"):
        make(timeout=(1.0, 0.05)).post("/x", {})
    release.set()


def test_a_remote_that_is_down_gets_one_try_each(api: FakeAPI, make: MakeClient) -> None:
    route = api.on("GET", "/x", status=500, times=24)
    api.on("GET", "/x", json={})
    client = make()
    for _ in range(8):
        with pytest.raises(RemoteDown):
            client.get("/x")
    assert route.count == 24  # 4 × 5 tries, then one each
    assert client.get("/x") == {}


def test_a_repeated_delete_that_finds_nothing_was_done(api: FakeAPI, make: MakeClient) -> None:
    api.on("DELETE", "/x", json={}, close="after", times=1)
    api.on("DELETE", "/x", status=404)
    assert make().delete("/x") is None
    with pytest.raises(NotFound):
        make().delete("/x")


def test_a_stop_ends_the_retries(api: FakeAPI, make: MakeClient, clock: FakeClock) -> None:
    api.on("GET", "/x", status=500)
    clock.stopped = True
    with pytest.raises(Interrupted):
        make().get("/x")
    assert len(api.requests) == 1


class Tokens:
    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.count = clock, 0

    def __call__(self, stale: str | None) -> Token:
        self.count += 1
        return Token(f"t{self.count}", self.clock.now() + timedelta(hours=1))


def only(token: str) -> Callable[[Any], Any]:
    good = f"Bearer {token}"
    return lambda request: (200, {"ok": 1}) if request.headers.get("authorization") == good else (401, {})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_401_renews_the_token_once(api: FakeAPI, make: MakeClient, clock: FakeClock, method: str) -> None:
    tokens = Tokens(clock)
    api.on(method, "/x", json=only("t2"))
    client = make(auth=BearerAuth(tokens, clock))
    assert client.request(method, "/x").data == {"ok": 1}
    assert tokens.count == 2


def test_a_second_401_is_final(api: FakeAPI, make: MakeClient, clock: FakeClock) -> None:
    tokens = Tokens(clock)
    api.on("GET", "/x", status=401, json={"message": "no"})
    with pytest.raises(AuthFailed):
        make(auth=BearerAuth(tokens, clock)).get("/x")
    assert tokens.count == len(api.requests) == 2


def test_a_fixed_key_is_not_tried_twice(api: FakeAPI, make: MakeClient) -> None:
    api.on("GET", "/x", status=401)
    with pytest.raises(AuthFailed):
        make(auth=HeaderAuth("kkkkkkkk")).get("/x")
    assert len(api.requests) == 1


def test_threads_that_meet_a_401_together_renew_once(api: FakeAPI, make: MakeClient, clock: FakeClock) -> None:
    barrier = threading.Barrier(4)

    def answer(request: Any) -> Any:
        if request.headers.get("authorization") == "Bearer t1":
            barrier.wait(5)  # all four have asked with the old token before any is told
            return 401, {}
        return 200, {"ok": 1}

    tokens = Tokens(clock)
    client = make(auth=BearerAuth(tokens, clock), timeout=(1.0, 10.0))
    api.on("GET", "/x", json=answer)
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(client.get("/x"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [{"ok": 1}] * 4
    assert tokens.count == 2
    assert client.calls == 8


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("answer", [{"close": "after"}, {"status": 500}])
def test_a_change_whose_answers_were_all_lost_may_have_happened(
    api: FakeAPI, make: MakeClient, method: str, answer: dict[str, Any]
) -> None:
    route = api.on(method, "/x", **answer)
    with pytest.raises(RemoteUnsure):
        make().request(method, "/x")
    assert route.count > 1  # safe to repeat, so it was; but the last word is missing
