"""Every kind of fault on the wire, what it leaves behind, and how faults are chosen."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest
import requests

from connectctl_sandbox import Clock, Fault, Sandbox

CUT = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


@pytest.fixture
def strike(box, credly, body):
    """Issues a badge under one fault; returns the answer (None when the connection broke) and the badges made."""

    def run(kind, **settings):
        box.log.clear()
        box.faults.add(Fault(remote="credly", method="POST", path=r"/badges$", kind=kind, times=1, **settings))
        try:
            answer = credly.post("/badges", json=body)
        except CUT:
            answer = None
        return answer, len(box.credly.live_badges(body["badge_template_id"]))

    return run


@pytest.mark.parametrize(
    ("kind", "status", "made", "logged"),
    [
        ("lose_request", None, 0, 0),
        ("lose_answer", None, 1, 201),
        ("cut_answer", None, 1, 201),
        ("http_429", 429, 0, 429),
        ("http_500_before", 500, 0, 500),
        ("http_500_after", 500, 1, 500),
        ("http_503", 503, 0, 503),
        ("html_200", 200, 0, 200),
        ("success_false", 200, 0, 200),
        ("truncated_json", 201, 1, 201),
        ("wrong_types", 200, 1, 200),
        ("slow", 201, 1, 201),
    ],
)
def test_what_arrives_and_what_happened(box, credly, strike, body, kind, status, made, logged):
    answer, badges = strike(kind, delay=0.05)
    assert (answer.status_code if answer is not None else None) == status
    assert badges == made
    (entry,) = box.log.entries
    assert (entry.fault, entry.status, entry.body) == (kind, logged, body)
    assert box.log.count(remote="credly", method="POST", path=r"/badges$", fault=kind) == 1
    # The fault is used up: the same request now meets the honest remote.
    assert credly.post("/badges", json=body).status_code == (422 if made else 201)


def test_a_429_says_when_or_does_not(strike):
    assert "Retry-After" not in strike("http_429")[0].headers
    answer = strike("http_429", retry_after=7)[0]
    assert answer.headers["Retry-After"] == "7"
    assert answer.json()["data"]["message"] == "Too many requests"


@pytest.mark.parametrize("kind", ["http_503", "html_200"])
def test_pages_are_html(strike, kind):
    answer = strike(kind)[0]
    assert answer.headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_truncated_json_is_whole_for_http(strike):
    answer = strike("truncated_json")[0]
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_wrong_types_are_json_of_another_shape(box, docebo, strike):
    assert strike("wrong_types")[0].json()["data"]["id"] == 17
    box.faults.add(Fault(remote="docebo", kind="wrong_types"))
    assert docebo.get("/manage/v1/user").json()["data"]["items"] == "none"


def test_docebo_errors_are_in_doceboes_envelope(box, docebo):
    box.faults.add(Fault(remote="docebo", kind="http_429", times=1))
    box.faults.add(Fault(remote="docebo", kind="http_500_after", times=1))
    assert docebo.get("/manage/v1/user").json()["status"] == 429
    assert docebo.get("/manage/v1/user").json()["name"] == "Internal Server Error"


def test_a_slow_answer_comes_after_the_change(box, credly, body):
    box.faults.add(Fault(kind="slow", delay=30))
    with pytest.raises(requests.Timeout):
        credly.http.post(f"{credly.base}/badges", json=body, timeout=0.2)
    assert len(box.credly.live_badges(body["badge_template_id"])) == 1


def test_docebo_pages_without_end(box, docebo):
    box.faults.add(Fault(remote="docebo", path="/manage/v1/user$", kind="endless_pages"))
    first = docebo.get("/manage/v1/user?page_size=10&get_cursor=1").json()["data"]
    later = docebo.get(f"/manage/v1/user?page_size=10&page=9&cursor={first['cursor']}").json()["data"]
    assert later["items"] == first["items"]
    assert later["cursor"] == first["cursor"]
    assert (later["has_more_data"], later["current_page"], later["total_page_count"]) == (True, 9, 10)


@pytest.mark.parametrize("path", ["/badges", "/high_volume_issued_badge_search"])
def test_credly_pages_without_end(box, credly, path):
    box.faults.add(Fault(remote="credly", kind="endless_pages"))
    first = credly.get(f"{path}?filter=state::accepted").json()
    second = credly.http.get(first["metadata"]["next_page_url"], timeout=10).json()
    third = credly.http.get(second["metadata"]["next_page_url"], timeout=10).json()
    assert first["data"] == second["data"] == third["data"] != []
    addresses = [page["metadata"]["next_page_url"] for page in (first, second, third)]
    assert all(urlsplit(address).netloc == urlsplit(box.credly_url).netloc for address in addresses)
    assert (addresses[1] == addresses[2]) == (path != "/badges")


@pytest.mark.parametrize("path", ["/badge_templates/none", "", "/badges?per=5"])
def test_endless_pages_leave_other_answers_alone(box, credly, path):
    honest = credly.get(path)
    box.faults.add(Fault(kind="endless_pages"))
    spoiled = credly.get(path)
    assert (spoiled.status_code, spoiled.json()) == (honest.status_code, honest.json())


@pytest.mark.parametrize(
    ("settings", "hits"),
    [
        ({}, "xxxxxx"),
        ({"times": 2}, "xx...."),
        ({"after": 2, "times": 1}, "..x..."),
        ({"method": "get"}, "xxxxxx"),
        ({"method": "POST"}, "......"),
        ({"remote": "docebo"}, "......"),
        ({"path": "/badges$"}, "......"),
        ({"path": "/badge_temp"}, "xxxxxx"),
        ({"probability": 0.0}, "......"),
    ],
)
def test_faults_are_chosen_by_request_and_count(box, credly, settings, hits):
    box.faults.add(Fault(kind="http_503", **settings))
    seen = [credly.get("/badge_templates/").status_code for _ in hits]
    assert "".join("x" if status == 503 else "." for status in seen) == hits


def test_chance_is_seeded(box, credly):
    def walk(seed):
        box.faults.clear()
        box.faults.add(Fault(kind="http_503", probability=0.5, seed=seed))
        return [credly.get("").status_code for _ in range(20)]

    assert walk(1) == walk(1)
    assert {200, 503} == set(walk(1))
    assert walk(1) != walk(2)


def test_the_first_matching_fault_strikes_and_clearing_ends_all(box, credly):
    box.faults.add(Fault(kind="http_503", times=1))
    box.faults.add(Fault(kind="http_500_before"))
    assert [credly.get("").status_code for _ in range(3)] == [503, 500, 500]
    assert [fault.kind for fault in box.faults.active()] == ["http_500_before"]
    box.faults.clear()
    assert credly.get("").status_code == 200


@pytest.mark.parametrize("settings", [{"kind": "gremlins"}, {"remote": "slack"}, {"probability": 1.5}, {"path": "("}])
def test_a_fault_that_makes_no_sense_is_refused(settings):
    with pytest.raises(ValueError, match=r"unknown|probability|expression"):
        Fault(**({"kind": "slow"} | settings))


def test_the_log_counts_by_what_is_given(box, credly, docebo):
    box.log.clear()
    credly.get("/badges?filter=state::x&page=1")
    docebo.get("/manage/v1/user?exclude[]=1&exclude[]=2")
    docebo.get("/nowhere")
    assert [entry.remote for entry in box.log.entries] == ["credly", "docebo", "docebo"]
    assert box.log.entries[0].query == {"filter": ["state::x"], "page": ["1"]}
    assert box.log.entries[1].query == {"exclude[]": ["1", "2"]}
    assert box.log.count() == 3
    assert box.log.count(remote="docebo", status=404) == 1
    assert box.log.count(method="POST") == 0
    box.log.clear()
    assert box.log.entries == ()


def test_each_request_can_move_the_clock(box, credly):
    box.clock.per_request = 2.5
    begin = box.clock.now()
    for _ in range(4):
        credly.get("")
    assert box.clock.now() - begin == 10
    assert [entry.at - begin for entry in box.log.entries[-2:]] == [7.5, 10]
    with pytest.raises(ValueError, match="forward"):
        box.clock.advance(-1)


def test_a_running_clock_follows_real_time_and_latency_is_real():
    clock = Clock(running=True)
    with Sandbox(clock=clock, latency=0.05) as box:
        begin, begin_real = clock.now(), time.monotonic()
        requests.get(f"{box.docebo_url}/manage/v1/user", timeout=10)
        passed, passed_real = clock.now() - begin, time.monotonic() - begin_real
    assert 0.05 <= passed <= passed_real + 0.01
