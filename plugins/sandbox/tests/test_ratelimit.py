"""A known limit: counted for all who ask, refused as the remotes refuse, and over when the clock says so."""

from __future__ import annotations

import pytest
import requests

from connectctl_sandbox import Fault, RateLimit


def statuses(session, count):
    return [session.get("").status_code for _ in range(count)]


def test_a_period_holds_so_many_requests_of_all_sessions(box, credly, credly_session):
    box.limits.set(RateLimit("credly", 3, 30))
    other = credly_session(box.credly.token)
    assert statuses(credly, 2) + statuses(other, 2) == [200, 200, 200, 429]
    refused = other.get("")
    assert refused.headers["Retry-After"] == "30"
    assert "message" in refused.json()["data"]
    box.clock.advance(29.5)
    assert credly.get("").headers["Retry-After"] == "1"
    box.clock.advance(0.5)
    assert statuses(credly, 4) == [200, 200, 200, 429]
    assert box.log.count(status=429) == 4


def test_a_bucket_leaks_and_takes_nothing_for_what_it_refuses(box, credly):
    box.limits.set(RateLimit("credly", 2, 1, "bucket", burst=2))
    assert statuses(credly, 5) == [200, 200, 429, 429, 429]
    box.clock.advance(0.5)
    assert statuses(credly, 2) == [200, 429]
    box.clock.advance(60)
    assert statuses(credly, 3) == [200, 200, 429]


def test_a_refused_change_is_not_made_and_no_fault_is_used_up(box, credly, body):
    box.limits.set(RateLimit("credly", 1, 60, retry_after=False))
    box.faults.add(Fault("http_500_after", method="POST", times=1))
    credly.get("")
    answer = credly.post("/badges", json=body)
    assert (answer.status_code, "Retry-After" in answer.headers) == (429, False)
    assert box.credly.live_badges(body["badge_template_id"]) == []
    assert len(box.faults.active()) == 1


def test_the_other_remote_has_its_own_limit(box, docebo, credly):
    box.limits.set(RateLimit("docebo", 1, 60))
    assert docebo.get("/manage/v1/user").status_code == 200
    assert docebo.get("/manage/v1/user").status_code == 429
    assert statuses(credly, 3) == [200] * 3
    box.limits.clear()
    assert docebo.get("/manage/v1/user").status_code == 200


def test_limits_are_set_from_another_process(box, credly):
    address = f"{box.control_url}/limit"
    answer = requests.post(address, json={"remote": "credly", "count": 1, "seconds": 60}, timeout=10)
    assert [limit["kind"] for limit in answer.json()["limits"]] == ["periods"]
    assert statuses(credly, 2) == [200, 429]
    assert requests.delete(address, timeout=10).json() == {"limits": []}
    assert statuses(credly, 1) == [200]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"remote": "credly", "count": 1}, "needs seconds"),
        ({"remote": "slack", "count": 1, "seconds": 1}, "unknown remote"),
        ({"remote": "credly", "count": 0, "seconds": 1}, "count is a whole number"),
        ({"remote": "credly", "count": True, "seconds": 1}, "count is a whole number"),
        ({"remote": "credly", "count": 1, "seconds": 0}, "seconds is a number"),
        ({"remote": "credly", "count": 1, "seconds": "1"}, "seconds is a number"),
        ({"remote": "credly", "count": 1, "seconds": 1, "kind": "x"}, "unknown kind"),
        ({"remote": "credly", "count": 1, "seconds": 1, "burst": 0}, "burst is a whole number"),
        ({"remote": "credly", "count": 1, "seconds": 1, "retry_after": 1}, "retry_after is true or false"),
        ({"remote": "credly", "count": 1, "seconds": 1, "per": 1}, "unknown settings of a limit: per"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(box, data, words):
    answer = requests.post(f"{box.control_url}/limit", json=data, timeout=10)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
