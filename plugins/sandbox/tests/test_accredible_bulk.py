"""Creating many of Accredible's credentials in one call (accredible.md 3.3, 3.4)."""

from __future__ import annotations

import pytest


@pytest.fixture
def bulk(accredible, credential):
    """POSTs one ordinary credential for each set of changes."""

    def post(*changes, version=2):
        items = [{name: value for name, value in (credential | one).items() if value is not None} for one in changes]
        return accredible.post(f"/v{version}/credentials/bulk_create", json={"credentials": items})

    return post


def person(number):
    return {"id": f"cc-{number}", "recipient": {"name": f"P {number}", "email": f"p{number}@example.org"}}


def test_a_bulk_call_answers_item_by_item(box, bulk, group):
    answer = bulk(person(1), person(2))
    assert (answer.status_code, [list(one) for one in answer.json()["results"]]) == (200, [["credential"]] * 2)
    mixed = bulk(person(3), person(1), person(4) | {"issued_on": "01/03/2026"}, person(5) | {"approve": False})
    assert mixed.status_code == 207
    results = mixed.json()["results"]
    assert [list(one) for one in results] == [["credential"], ["errors"], ["errors"], ["credential"]]
    assert (results[1]["errors"]["code"], results[1]["errors"]["details"][0]["property"]) == (
        "credential_invalid",
        "recipient.email",
    )
    assert "already been taken" in results[1]["errors"]["details"][0]["message"]
    assert results[2]["errors"]["details"][0]["property"] == "issued_on"
    refused = bulk(person(1), person(2), {"group_id": 99})
    assert (refused.status_code, len(refused.json()["results"])) == (422, 3)
    assert len(box.accredible.in_group(group.id)) == 4


def test_a_bulk_call_wants_each_address_once(box, bulk, group):
    again = person(1) | {"id": "cc-again"}
    assert bulk(person(1), again).status_code == 207
    assert len(box.accredible.in_group(group.id)) == 1


def test_the_other_form_of_an_items_error(box, bulk):
    box.accredible.flags.v2_errors = "intro"
    (result,) = bulk({"recipient": {"name": "Jo"}}).json()["results"]
    assert result["error"]["details"] == [{"property": "recipient_email", "reason": "can't be blank"}]


@pytest.mark.parametrize(("reason", "code"), [("credits", "insufficient_credits"), ("design", None)])
def test_made_but_not_published_is_a_mixed_answer(box, bulk, group, reason, code):
    if reason == "credits":
        box.accredible.credits = 1
    else:
        box.accredible.update_group(group.id, certificate_design_id=None)
    answer = bulk(person(1), person(2))
    last = answer.json()["results"][-1]
    assert (answer.status_code, last["credential"]["approve"]) == (207, False)
    assert last.get("errors", {}).get("code") == code
    assert len(box.accredible.in_group(group.id)) == 2


@pytest.mark.parametrize(("version", "most"), [(1, 100), (2, 30)])
def test_a_bulk_call_has_its_bound(box, bulk, group, version, most):
    assert bulk(*(person(number) for number in range(most + 1)), version=version).status_code == 422
    assert box.accredible.in_group(group.id) == []
    assert bulk(*(person(number) for number in range(most)), version=version).status_code == 200


@pytest.mark.parametrize("body", [{}, {"credentials": []}, {"credentials": {}}, {"credentials": [5]}])
@pytest.mark.parametrize("version", [1, 2])
def test_what_is_no_bulk_is_refused(accredible, version, body):
    assert accredible.post(f"/v{version}/credentials/bulk_create", json=body).status_code == 422


def test_the_first_bulk_says_200_whatever_happened(box, bulk):
    answer = bulk(person(1), person(1), version=1)
    assert (answer.status_code, len(answer.json()["credentials"]), len(answer.json()["errors"])) == (200, 1, 1)
    box.accredible.flags.v1_bulk_bare = True
    (row,) = bulk(person(2), version=1).json()
    assert row["credential"]["id"] == "cc-2"
