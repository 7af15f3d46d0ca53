"""Tokens, envelopes, filters and lists of the simulated Credly (credly.md 1 to 5, 7, 12)."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

import pytest
import requests


def names(answer):
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()["data"]]


@pytest.fixture
def many(box, free_template_id):
    """120 badges of one template, one second apart."""
    for number in range(120):
        box.clock.advance(1)
        box.credly.issue(f"earner{number}@example.org", free_template_id, issuer_earner_id=f"e{number}")
    return free_template_id


# Tokens


@pytest.mark.parametrize(
    ("text", "bare_allowed", "status"),
    [
        ("{token}:", True, 200),
        ("{token}", True, 200),
        ("{token}", False, 401),
        ("{token}|", True, 401),
        ("{token}:password", True, 401),
        ("nope:", True, 401),
        (":", True, 401),
    ],
)
def test_the_token_is_the_user_of_http_basic(box, text, bare_allowed, status):
    box.credly.flags.accept_bare_token = bare_allowed
    encoded = base64.b64encode(text.format(token=box.credly.token).encode()).decode()
    headers = {"Authorization": f"Basic {encoded}"}
    answer = requests.get(f"{box.credly_url}/organizations", headers=headers, timeout=10)
    assert answer.status_code == status
    if status == 401:
        assert answer.json() == {"data": {"message": "Invalid authorization token"}, "metadata": None}


@pytest.mark.parametrize("header", [None, "Basic !!!", "Bearer abc", "Basic 4pyTw6k="])
def test_other_authorization_is_refused(box, header):
    headers = {} if header is None else {"Authorization": header}
    assert requests.get(f"{box.credly_url}/organizations", headers=headers, timeout=10).status_code == 401


@pytest.mark.parametrize("how", ["helper", "time"])
def test_a_token_expires_after_180_days(box, credly, how):
    assert credly.get("").status_code == 200
    if how == "helper":
        box.credly.expire_token()
    else:
        box.clock.advance(180 * 86_400)
    answer = credly.get("")
    assert (answer.status_code, "expired" in answer.json()["data"]["message"]) == (401, True)


def test_rights_are_per_token(box, credly_session, body):
    badge = box.credly.issue("x@example.org", body["badge_template_id"])
    reader = credly_session(box.credly.add_token("reader", write=False, delete=False).token)
    writer = credly_session(box.credly.add_token("writer", read=False, delete=False).token)
    assert reader.get("/badges").status_code == 200
    assert writer.get("/badges").status_code == 403
    assert reader.post("/badges", json=body).status_code == 403
    assert reader.put(f"/badges/{badge.id}/revoke", json={"reason": "x"}).status_code == 403
    assert writer.post("/badges", json=body).status_code == 201
    assert writer.delete(f"/badges/{badge.id}").status_code == 403


def test_the_token_list_shows_secrets_by_right(box, credly, credly_session):
    reader = box.credly.add_token("reader", write=False, delete=False)
    rows = credly.get("/authorization_tokens").json()["data"]
    assert {row["token"] for row in rows} == {box.credly.token, reader.token}
    assert rows[0]["expires_at"] == "2026-08-29T09:00:00.000Z"
    (only,) = credly_session(reader.token).get("/authorization_tokens").json()["data"]
    assert (only["token"], only["write_enabled"], only["read_enabled"]) == (reader.token, False, True)


# Routing


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("GET", "/badge_templates/none", {}, 404),
        ("GET", "/events/none", {}, 404),
        ("POST", "/badge_templates", {"json": {}}, 405),
        ("PUT", "/badges/x", {"json": {}}, 405),
        ("GET", "/badges/x/replace", {}, 405),
        ("GET", "/badges?per=100", {}, 400),
        ("GET", "/badges?page=0", {}, 400),
        ("GET", "/badges?filter=state:accepted", {}, 400),
        ("GET", "/events?filter=state::accepted", {}, 400),
        ("GET", "/events?filter[state]=accepted", {}, 400),
        ("GET", "/high_volume_issued_badge_search?sort=issued_at", {}, 400),
        ("GET", "/high_volume_issued_badge_search?badge_format=tiny", {}, 400),
        ("GET", "/high_volume_issued_badge_search?cursor=abc", {}, 400),
        ("GET", "/badges", {"headers": {"Accept": "application/xml"}}, 406),
        ("GET", "/badges", {"json": {"page": 1}}, 400),
        ("POST", "/badges", {"data": {"recipient_email": "x@example.org"}}, 415),
        ("POST", "/badges", {"data": "{", "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "/badges", {"json": []}, 400),
    ],
)
def test_wrong_requests_get_the_remotes_own_error(credly, method, path, options, status):
    answer = credly.send(method, path, **options)
    assert answer.status_code == status
    assert answer.json()["data"]["message"]
    assert answer.json()["metadata"] is None


def test_a_trailing_slash_changes_nothing(box, credly, body):
    assert credly.get("/").json() == credly.get("").json()
    assert credly.get("/badge_templates/?filter=state::archived").json()["metadata"]["total_count"] == 1
    assert credly.post("/badges/", json=body).status_code == 201


def test_the_organization(box, credly):
    own = box.credly.organization_id
    assert credly.get("").json()["data"]["id"] == own
    answer = requests.get(f"{box.credly_url}/organizations/", auth=(box.credly.token, ""), timeout=10)
    assert [row["id"] for row in answer.json()["data"]] == [own]
    foreign = credly.http.get(f"{box.credly_url}/organizations/other/badges", timeout=10)
    assert foreign.status_code == 404


# Templates


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("filter=state::archived", ["Spreadsheet Skills 2019"]),
        ("filter=name::cloud", ["Cloud Foundations", "Cloud Foundations"]),
        ('filter=name::"forklift safety"', ["Forklift Safety"]),
        ('filter=name::"forklift"', []),
        ("filter=name::foundations|state::active", ["Cloud Foundations", "Cloud Foundations"]),
        ("filter=state::archived,draft|query::2019", ["Spreadsheet Skills 2019"]),
        ("filter[state]=archived", ["Spreadsheet Skills 2019"]),
        ("filter=created_at_max::2025-08-31", []),
        ("filter=created_at_min::2025-09-01|name::fire", ["Fire Drill Participation"]),
        ("filter=skills::Forklift", ["Forklift Safety"]),
        ("filter=collection_id::x", []),
    ],
)
def test_templates_are_filtered(credly, query, found):
    assert names(credly.get(f"/badge_templates?{query}")) == found


def test_templates_are_sorted(credly):
    listed = names(credly.get("/badge_templates?sort=-name&filter=state::active"))
    assert listed == sorted(listed, reverse=True)
    by_use = credly.get("/badge_templates?sort=-badges_count|name|shoe_size").json()["data"]
    assert (by_use[0]["badges_count"], by_use[1]["name"]) == (1, "Cloud Foundations")


def test_templates_come_fifty_a_page(box, credly):
    for number in range(61):
        box.credly.add_template(f"Extra {number:02}")
    first = credly.get("/badge_templates").json()
    assert first["metadata"] | {"next_page_url": None} == {
        "count": 50,
        "current_page": 1,
        "total_count": 70,
        "total_pages": 2,
        "per": 50,
        "previous_page_url": None,
        "next_page_url": None,
    }
    last = credly.http.get(first["metadata"]["next_page_url"], timeout=10).json()
    assert (last["metadata"]["count"], last["metadata"]["next_page_url"]) == (20, None)
    assert last["metadata"]["previous_page_url"].endswith("page=1")


def test_one_template_and_its_states(box, credly, free_template_id):
    data = credly.get(f"/badge_templates/{free_template_id}").json()["data"]
    assert (data["state"], data["allow_duplicate_badges"], data["owner"]["type"]) == ("active", False, "Organization")
    box.credly.archive(free_template_id)
    assert credly.get(f"/badge_templates/{free_template_id}").json()["data"]["state"] == "archived"
    box.credly.delete_template(free_template_id)
    assert credly.get(f"/badge_templates/{free_template_id}").status_code == 404
    types = [event["event_type"] for event in credly.get("/events").json()["data"][:2]]
    assert types == ["badge_template.deleted", "badge_template.changed"]


# Badges


def test_next_page_url_has_the_servers_own_origin_and_keeps_the_filter(box, credly, many):
    answer = credly.get("/badges", params={"filter": f"badge_template_id::{many}|state::pending", "sort": "created_at"})
    address = answer.json()["metadata"]["next_page_url"]
    assert address.startswith(f"{box.credly_url}/organizations/")
    pages = [answer.json()]
    while pages[-1]["metadata"]["next_page_url"]:
        pages.append(credly.http.get(pages[-1]["metadata"]["next_page_url"], timeout=10).json())
    rows = [row["id"] for page in pages for row in page["data"]]
    assert len(rows) == len(set(rows)) == 120
    box.credly.flags.drop_filter_in_next = True
    dropped = credly.get("/badges", params={"filter": f"badge_template_id::{many}"}).json()["metadata"]["next_page_url"]
    assert urlsplit(dropped).query == "page=2"


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ("issuer_earner_id::e7", 1),
        ("issuer_earner_id::e7,e8", 2),
        ("recipient_email::EARNER9@example.org", 1),
        ("recipient_email::earner9@example.org|issuer_earner_id::e8", 0),
        ("state::accepted", 1),
        ("state::pending,accepted", 121),
        ("query::earner11", 11),
        ("public::true", 121),
        ("user_id::none", 0),
        ("badge_templates[reporting_tags]::none", 0),
        ("shoe_size::44", 121),
    ],
)
def test_badges_are_filtered_and_an_unknown_key_is_ignored(credly, many, filters, count):
    answer = credly.get("/badges", params={"filter": filters})
    assert answer.json()["metadata"]["total_count"] == count


def test_an_unknown_filter_key_can_be_refused(box, credly):
    box.credly.flags.unknown_filter = "refuse"
    assert credly.get("/badges?filter=shoe_size::44").status_code == 400
    assert credly.get("/badges?filter[shoe_size]=44").status_code == 400


def test_an_earner_is_found_by_any_of_their_addresses(box, credly, free_template_id):
    box.credly.add_account("one@example.org", "two@example.org")
    badge = box.credly.issue("one@example.org", free_template_id)
    found = credly.get("/badges?filter=recipient_email_all::two@example.org").json()["data"]
    assert [row["id"] for row in found] == [badge.id]
    assert found[0]["user"]["email"] == "one@example.org"
    assert credly.get("/badges?filter=recipient_email::two@example.org").json()["data"] == []


def test_badges_are_sorted(box, credly, many):
    issued = [row["issued_at"] for row in credly.get("/badges?sort=-issued_at").json()["data"]]
    assert issued == sorted(issued, reverse=True)


def test_the_bulk_search_goes_on_by_an_opaque_cursor(box, credly, many):
    query = {"filter": f"badge_template_id::{many}", "badge_format": "minimal"}
    first = credly.get("/high_volume_issued_badge_search", params=query).json()
    assert (len(first["data"]), list(first["metadata"])) == (100, ["next_page_url"])
    assert "badge_format=minimal" in first["metadata"]["next_page_url"]
    last = credly.http.get(first["metadata"]["next_page_url"], timeout=10).json()
    assert (len(last["data"]), last["metadata"]["next_page_url"]) == (20, None)
    assert "replacement_badge_id" not in first["data"][0]
    assert "revocation_reason" not in first["data"][0]
    full = credly.get("/high_volume_issued_badge_search").json()["data"][0]
    assert "replacement_badge_id" in full


def test_reading_one_badge_is_off_by_default(box, credly):
    badge = box.credly.live_badges()[0]
    assert credly.get(f"/badges/{badge.id}").status_code == 404
    box.credly.flags.enable_badge_get = True
    assert credly.get(f"/badges/{badge.id}").json()["data"]["id"] == badge.id
    assert credly.get("/badges/none").status_code == 404


def test_the_lists_lag_behind_writes_and_the_duplicate_rule_does_not(box, credly, body):
    box.credly.flags.search_lag = 30
    badge_id = credly.post("/badges", json=body).json()["data"]["id"]

    def states():
        found = []
        for path in ("/badges", "/high_volume_issued_badge_search"):
            rows = credly.get(f"{path}?filter=issuer_earner_id::lms-481").json()["data"]
            found.append([row["state"] for row in rows])
        assert found[0] == found[1]
        return found[0]

    assert states() == []
    assert credly.post("/badges", json=body).status_code == 422
    box.clock.advance(29.5)
    assert states() == []
    box.clock.advance(0.5)
    assert states() == ["pending"]
    credly.put(f"/badges/{badge_id}/revoke", json={"reason": "left"})
    assert states() == ["pending"]
    box.clock.advance(30)
    assert states() == ["revoked"]
    credly.delete(f"/badges/{badge_id}")
    assert states() == ["revoked"]
    box.clock.advance(30)
    assert states() == []
