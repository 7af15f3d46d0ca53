"""The control address, which works from another process."""

from __future__ import annotations

import pytest
import requests


@pytest.fixture
def control(box):
    return lambda method, path, **options: requests.request(method, box.control_url + path, timeout=10, **options)


def test_faults_come_and_go(box, control, credly):
    answer = control("POST", "/fault", json={"kind": "http_503", "remote": "credly", "times": 1})
    assert [fault["kind"] for fault in answer.json()["faults"]] == ["http_503"]
    assert control("GET", "/state").json()["faults"] == answer.json()["faults"]
    assert credly.get("").status_code == 503
    control("POST", "/fault", json={"kind": "http_503"})
    assert control("DELETE", "/fault").json() == {"faults": []}
    assert credly.get("").status_code == 200


def test_log_clock_and_state(box, control, credly):
    credly.get("/badges?page=1")
    (entry,) = control("GET", "/log").json()["entries"]
    assert (entry["path"].endswith("/badges"), entry["status"], entry["at"][:10]) == (True, 200, "2026-03-02")
    assert control("POST", "/clock", json={"advance": 60}).json() == {"now": "2026-03-02T09:01:00.000Z"}
    assert control("GET", "/state").json()["requests"] == {"credly": 1}


def test_selections(box, control):
    waiting = control("POST", "/select", json={})
    assert (waiting.status_code, "no dropdown element" in waiting.json()["error"]) == (409, True)
    box.docebo.add_field("Credly badge", sorted(set(box.intended.values())))
    assert len(control("POST", "/select", json={}).json()["selected"]) == 7
    assert control("POST", "/select", json={"88": "Team Leadership"}).json()["selected"].keys() == {"88"}


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("POST", "/fault", {"json": {"kind": "gremlins"}}, 400),
        ("POST", "/fault", {"json": {"remote": "credly"}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "colour": "red"}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "probability": "often"}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "times": "2"}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "after": -1}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "delay": "long"}}, 400),
        ("POST", "/fault", {"json": {"kind": "slow", "method": 5}}, 400),
        ("POST", "/fault", {"data": {"kind": "slow"}}, 415),
        ("POST", "/clock", {"json": {"advance": "soon"}}, 400),
        ("POST", "/clock", {"json": {"advance": -1}}, 400),
        ("POST", "/clock", {"json": {"advance": True}}, 400),
        ("POST", "/select", {"json": {"one": "Label"}}, 400),
        ("GET", "/fault", {}, 405),
        ("GET", "/nowhere", {}, 404),
        ("GET", "/state?x=1", {}, 400),
    ],
)
def test_what_it_does_not_understand(control, method, path, options, status):
    answer = control(method, path, **options)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_accredible_is_reached_too(box, control, accredible):
    assert control("POST", "/fault", json={"kind": "http_503", "remote": "accredible", "times": 1}).status_code == 200
    assert [accredible.get("/v1/issuer/details").status_code for _ in range(2)] == [503, 200]
    assert control("GET", "/state").json()["accredible"]["credentials"] == len(box.accredible.credentials)
    for _ in range(2):
        assert control("POST", "/expire", json={"remote": "accredible"}).json() == {"expired": "accredible"}
        assert accredible.get("/v1/issuer/details").status_code == 401
    limit = {"remote": "accredible", "count": 1, "seconds": 60}
    assert control("POST", "/limit", json=limit).status_code == 200
    assert [accredible.get("/v1/issuer/details").status_code for _ in range(2)] == [401, 429]
    assert control("POST", "/expire", json={"remote": "slack"}).status_code == 400
