"""Issuing several badges in one call: all of them or none (credly.md 5.6)."""

from __future__ import annotations

import pytest
import requests

from connectctl_sandbox import Fault


@pytest.fixture
def batch(credly, body):
    """POSTs one ordinary body for each set of changes."""

    def post(*changes):
        return credly.post("/badges/batch", json={"badges": [body | one for one in changes]})

    return post


def person(number):
    return {"recipient_email": f"p{number}@example.org", "issuer_earner_id": f"lms-{number}"}


def everything(box):
    """All that a change could touch: what is stored, counted, found and told."""
    credly = box.credly
    counts = {template: credly.badge_count(template) for template in credly.templates}
    return dict(credly.badges), list(credly.events), counts, credly.searchable()


def test_a_batch_answers_in_the_order_of_the_request(box, batch, free_template_id):
    answer = batch(person(3), person(1), person(2))
    assert (answer.status_code, answer.json()["metadata"]) == (201, {})
    assert [one["issuer_earner_id"] for one in answer.json()["data"]] == ["lms-3", "lms-1", "lms-2"]
    assert [one["state"] for one in answer.json()["data"]] == ["pending"] * 3
    assert [event.event_type for event in box.credly.events[-3:]] == ["badge.created"] * 3
    assert box.credly.badge_count(free_template_id) == 3


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"recipient_email": "nonsense"}, "not a valid email"),
        ({"badge_template_id": "3f2c"}, "Invalid or missing Badge Template ID: 3f2c"),
        (person(0), "already has this badge"),
        ({"colour": "red"}, "is not an attribute"),
    ],
)
def test_one_bad_item_refuses_all(box, batch, bad, words):
    before = everything(box)
    answer = batch(person(0), person(1), person(2) | bad, person(3))
    assert answer.status_code == 422
    assert answer.json()["data"]["error_index"] == 2
    assert words in answer.json()["data"]["message"]
    assert everything(box) == before
    # Nothing is left behind that would make the good ones duplicates.
    again = batch(person(0), person(1), person(3))
    assert again.status_code == 201
    assert len(box.credly.live_badges()) == 4


def test_a_refused_batch_takes_back_replacements_too(box, batch):
    batch(person(0))
    before = everything(box)
    renamed = person(0) | {"duplicate_behavior": "replace", "issued_to_last_name": "Married"}
    assert batch(renamed, person(1) | {"issued_at": "soon"}).json()["data"]["error_index"] == 1
    assert everything(box) == before
    (new,) = batch(renamed).json()["data"]
    assert box.credly.badges[new["replaces_badge_id"]].replacement_badge_id == new["id"]


def test_a_refused_batch_is_not_found_late(box, batch, credly):
    batch(person(0))
    box.clock.advance(5)
    batch(person(0) | {"duplicate_behavior": "replace", "country_name": "Italy"}, {"issued_at": "soon"})
    box.credly.flags.search_lag = 1
    box.clock.advance(5)
    (row,) = credly.get("/badges?filter=issuer_earner_id::lms-0").json()["data"]
    assert row["replacement_badge_id"] is None


@pytest.mark.parametrize(
    "sent", [{}, {"badges": []}, {"badges": {}}, {"badges": [5]}, {"badges": None}, {"badges": [{}], "dry_run": True}]
)
def test_what_is_no_batch_is_refused_without_an_index(box, credly, sent):
    answer = credly.post("/badges/batch", json=sent)
    assert answer.status_code == 422
    assert "error_index" not in answer.json()["data"]
    assert len(box.credly.badges) == 1


def test_fifty_are_the_most(box, batch):
    assert batch(*(person(number) for number in range(51))).status_code == 422
    assert batch(*(person(number) for number in range(50))).status_code == 201
    assert len(box.credly.badges) == 51


def test_an_account_without_batches(box, batch):
    box.credly.flags.enable_batch = False
    assert batch(person(0)).status_code == 404
    assert len(box.credly.badges) == 1


@pytest.mark.parametrize(("kind", "made"), [("lose_answer", 3), ("http_500_after", 3), ("http_500_before", 0)])
def test_faults_strike_a_batch(box, batch, free_template_id, kind, made):
    box.faults.add(Fault(kind=kind, remote="credly", method="POST", path=r"/badges/batch$", times=1))
    try:
        batch(person(0), person(1), person(2))
    except requests.ConnectionError:
        assert kind == "lose_answer"
    assert box.credly.badge_count(free_template_id) == made
