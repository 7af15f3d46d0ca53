"""The seeded world, the sandbox's life, and what it tells about itself."""

from __future__ import annotations

import http.client
import time
import tomllib
from collections import Counter

import pytest
import requests

from connectctl_sandbox import Sandbox


def world(**options):
    box = Sandbox(**options)
    return box.docebo.users, box.docebo.courses, box.docebo.enrollments, box.credly.templates, box.credly.badges


@pytest.fixture
def filled(box):
    """The dropdown filled with the active templates, as the product does it."""
    labels = dict.fromkeys(one.name for one in box.credly.templates.values() if one.state == "active")
    return box.docebo.add_field("Credly badge", list(labels))


def test_the_same_seed_gives_the_same_world():
    assert world(seed=3) == world(seed=3)
    assert world(seed=3)[2] != world(seed=4)[2]


def test_the_small_world_has_every_case(box):
    users = [user for user in box.docebo.users.values() if user.level == "User"]
    emails = Counter(user.email for user in users if user.email)
    assert len(users) == 30
    assert sum(1 for user in users if not user.email) == 2
    assert [count for count in emails.values() if count > 1] == [2]
    assert sum(1 for user in users if not user.active) == 1
    templates = list(box.credly.templates.values())
    assert Counter(one.state for one in templates) == {"active": 8, "archived": 1}
    assert sum(1 for one in templates if one.allow_duplicate_badges) == 1
    assert [name for name, count in Counter(one.name for one in templates).items() if count > 1] == [
        "Cloud Foundations"
    ]
    assert (len(box.docebo.courses), len(box.intended), box.docebo.fields) == (8, 7, {})
    done = [one.completed_at for one in box.docebo.enrollments.values() if one.completed_at]
    assert min(done) < "2026-01-01" <= max(done) < "2026-03-02"
    assert "2026-01-01 00:00:00" in done
    (foreign,) = box.credly.live_badges()
    assert (foreign.state, foreign.issuer_earner_id) == ("accepted", None)
    holder = next(user for user in users if user.email == foreign.recipient_email)
    assert box.docebo.enrollments[holder.user_id, 81].status == "completed"


def test_the_small_world_has_every_kind_of_award(box):
    """One always valid, one expiring, one expired, one renewed; nobody of them is in the course of the same badge."""
    docebo, now = box.docebo, box.docebo.now()
    assert [one.code for one in docebo.certifications.values()] == ["FIRST-AID", "FORKLIFT", "PRIVACY"]
    awards = list(docebo.awards.values())
    assert [one.expires_at and one.expires_at > now for one in awards] == [True, False, False, True, None]
    assert (awards[2].user_id, awards[2].certification_id) == (awards[3].user_id, awards[3].certification_id)
    assert len({one.user_id for one in awards}) == 4
    for one in awards:
        assert (one.user_id, one.origin_id) not in docebo.enrollments
        assert docebo.users[one.user_id].email
    assert {code: box.credly.templates[id].name for code, id in box.suggested.items()} == {
        "FIRST-AID": "First Aid Responder",
        "FORKLIFT": "Forklift Safety",
        "PRIVACY": "Data Protection Practitioner",
    }
    assert [one.title for one in docebo.training_fields.values()] == ["Link to the credential", "Credential id"]
    assert not docebo.events


def test_the_large_world_has_awards_in_proportion():
    box, again = Sandbox(size="large"), Sandbox(size="large")
    awards = list(box.docebo.awards.values())
    assert (len(box.docebo.certifications), len(box.suggested)) == (20, 20)
    assert len(awards) == pytest.approx(450, abs=80)
    assert sum(1 for one in awards if one.expires_at and one.expires_at < box.docebo.now()) > 30
    assert sum(1 for one in awards if one.expires_at is None) > 30
    assert max(Counter((one.user_id, one.certification_id) for one in awards).values()) > 1
    assert all(one.issued_at < box.docebo.now() for one in awards)
    assert (awards, box.suggested) == (list(again.docebo.awards.values()), again.suggested)


def test_the_large_world_is_made_quickly():
    begin = time.perf_counter()
    users, courses, enrollments, templates, _ = world(size="large")
    assert time.perf_counter() - begin < 2
    assert (len(users), len(courses), len(templates)) == (2001, 120, 60)
    assert len(enrollments) == pytest.approx(20_000, abs=20)
    assert sum(1 for one in enrollments.values() if one.status == "completed") == pytest.approx(12_000, rel=0.05)


def test_selections_follow_the_labels_once_the_dropdown_is_filled(box, filled):
    selected = box.select_templates()
    labels = box.docebo.labels(filled.field_id)
    assert {course_id: labels[option_id] for course_id, option_id in selected.items()} == box.intended
    assert box.docebo.courses[81].values == {filled.field_id: selected[81]}
    assert box.docebo.courses[88].values == {}


def test_selections_wait_for_the_dropdown(box):
    with pytest.raises(LookupError, match="Forklift Safety"):
        box.select_templates()
    box.docebo.add_field("Credly badge", ["Forklift Safety"])
    with pytest.raises(LookupError, match="999"):
        box.docebo.select_by_label({999: "Forklift Safety"})
    assert box.docebo.select_by_label({82: "Forklift Safety"}) == {82: 31}


def test_the_configuration_leads_to_both_remotes(box):
    config = tomllib.loads(box.config_toml())["connections"]
    docebo, credly = config["docebo"], config["credly"]
    assert docebo.pop("rate") == credly.pop("rate") == "none"
    form = {name: docebo[name] for name in ("client_id", "client_secret", "username", "password")}
    answer = requests.post(
        f"{docebo['base_url']}/oauth2/token", data=form | {"grant_type": docebo["grant"]}, timeout=10
    )
    assert answer.status_code == 200
    path = f"{credly['base_url']}/organizations/{credly['organization_id']}"
    assert requests.get(path, auth=(credly["token"], ""), timeout=10).status_code == 200
    assert credly["base_url"].endswith("/v1")


def test_a_sandbox_starts_stops_and_starts_again():
    box = Sandbox()
    with pytest.raises(RuntimeError, match="not running"):
        assert box.docebo_url
    box.start()
    with pytest.raises(RuntimeError, match="already"):
        box.start()
    port = int(box.docebo_url.rpartition(":")[2])
    session = requests.Session()
    assert session.get(f"{box.docebo_url}/manage/v1/user", timeout=10).status_code == 401
    box.stop()
    with pytest.raises(requests.ConnectionError):
        session.get(f"http://127.0.0.1:{port}/", timeout=10)
    with box:
        assert session.get(f"{box.credly_url}/organizations", timeout=10).status_code == 401
    session.close()


def test_ports_follow_the_given_one_and_a_taken_one_is_an_error():
    with Sandbox() as box:
        taken = int(box.docebo_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            Sandbox(port=taken).start()


def test_a_failure_of_the_sandbox_itself_is_raised(box, token_form):
    broken = Sandbox().start()
    del broken.docebo.clock
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{broken.docebo_url}/oauth2/token", data=token_form, timeout=10)
    with pytest.raises(RuntimeError, match="itself failed"):
        broken.stop()


def test_connections_are_kept_alive(box):
    connection = http.client.HTTPConnection(box.docebo_url.removeprefix("http://"), timeout=10)
    sockets = []
    for path in ("/manage/v1/user", "/nowhere", "/manage/v1/user/session"):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.version, answer.status) == (11, 401)
        answer.read()
        sockets.append(connection.sock)
    assert sockets[0] is not None
    assert sockets[0] is sockets[1] is sockets[2]
    connection.close()


def test_a_body_without_a_length_is_refused(box):
    answer = requests.post(f"{box.docebo_url}/oauth2/token", data=iter([b"x"]), timeout=10)
    assert (answer.status_code, answer.headers["Connection"]) == (411, "close")


def test_the_state_as_plain_data(box, filled):
    box.docebo.select_by_label({82: "Forklift Safety"})
    state = box.state()
    assert state["docebo"]["courses"][1] == {
        "id": "82",
        "name": "Forklift Safety",
        "selected": "Forklift Safety",
        "intended": "Forklift Safety",
    }
    assert state["docebo"]["fields"] == [{"id": "5", "name": "Credly badge", "options": 7}]
    assert state["credly"]["badges"] == {"accepted": 1}
    assert state["credly"]["templates"][0]["live_badges"] == 1
    assert state["docebo"]["certifications"][0] == {
        "id": "7",
        "code": "FIRST-AID",
        "title": "First Aider",
        "awards": 2,
        "suggested_template": box.suggested["FIRST-AID"],
    }
    assert (state["docebo"]["trainings"], state["docebo"]["events"]) == (1, 1)  # a selection changes a course
    assert state["clock"] == "2026-03-02T09:00:00.000Z"
