"""Certifications and awards: any shape of a row, no shape of a list but the right one (docebo.md 7, GN-31, GN-34)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connectctl.docebo import certifications
from connectctl.docebo.certifications import Award, AwardRequest, Certification
from connectctl.docebo.client import Docebo
from connectctl.errors import BadAnswer, NotFound, Rejected, RemoteUnsure, SettingInvalid
from connectctl.testing.fake_api import FakeAPI

from .conftest import MakeDocebo, listing

LIST = "/learn/v1/certification"
AWARDS = "/certification/v1/awards"
PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>"

REQUEST = AwardRequest(
    "7", "4711", datetime(2026, 2, 10, 16, 31, 6, tzinfo=UTC), None, "Credly", "https://badges.example/b1", "b1"
)


def award(number: int, user: int = 4711, **more: Any) -> dict[str, Any]:
    """A row as docebo.md 7.3 assumes it."""
    return {
        "id": number,
        "certification": {"id": 7, "code": "SEC", "name": "Security"},
        "user_id": user,
        "issued_at": "2026-02-10 17:31:06",
        "expiring_at": "2027-02-10 17:31:06",
        "awarded_from": {"type": "course", "id": 88},
        **more,
    }


def flat(number: int, **more: Any) -> dict[str, Any]:
    """A row as the warehouse shows it."""
    return {
        "id": str(number),
        "certification_id": "7",
        "certification_code": "SEC",
        "certification_name": "Security",
        "user_id": "4711",
        "awarded_from_id": 88,
        "awarded_from_type": "course",
        "issued_at": "2026-02-10 17:31:06",
        "expiring_at": "2027-02-10 17:31:06",
        **more,
    }


def read(docebo: Docebo, **more: Any) -> list[Award]:
    return list(certifications.awards(docebo, ["7"], **more))


def test_certifications_are_listed_once_each(api: FakeAPI, docebo: MakeDocebo) -> None:
    rows: list[Any] = [{"id_cert": 7, "code": " SEC ", "title": "Security"}, {"id": "8", "name": "No code"}]
    api.on("GET", LIST, json=listing([*rows, rows[0], {"code": "LOST"}], 1, 2), params={"page": "1"})
    api.on("GET", LIST, json=listing([rows[1], {"id_cert": 9, "code": 12}], 2, 2), params={"page": "2"})
    bad: list[str] = []
    found = list(certifications.walk(docebo(), on_bad=bad.append))
    assert found == [
        Certification("7", "SEC", "Security"),
        Certification("8", "", "No code"),
        Certification("9", "12", ""),
    ]
    assert bad == ["Docebo GET /learn/v1/certification, page 1, row 4: id_cert is missing"]


@pytest.mark.req("CR-29")
@pytest.mark.parametrize("row", [award, flat])
def test_flat_and_nested_rows_say_the_same(
    api: FakeAPI, docebo: MakeDocebo, row: Callable[..., dict[str, Any]]
) -> None:
    api.on("GET", AWARDS, json=listing([row(901, updated_at="2026-02-11 08:00:00")]))
    seen: list[datetime] = []
    (found,) = read(docebo(timezone="Europe/Rome"), on_seen=seen.append)
    issued, expires = datetime(2026, 2, 10, 16, 31, 6, tzinfo=UTC), datetime(2027, 2, 10, 16, 31, 6, tzinfo=UTC)
    changed = datetime(2026, 2, 11, 7, tzinfo=UTC)
    assert found == Award("901", "7", "SEC", "4711", issued, expires, "course", "88", changed_at=changed)
    assert seen == [changed]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"expiring_at": None}, None),
        ({"expiring_at": ""}, None),
        ({"expiring_at": "0000-00-00 00:00:00"}, None),
        ({"expiring_at": "0000-00-00"}, None),
        ({"expiring_at": "2027-01-01"}, datetime(2027, 1, 1, tzinfo=UTC)),
        ({"expiring_at": 1798761600}, datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_no_expiry_is_always_valid(
    api: FakeAPI, docebo: MakeDocebo, row: dict[str, Any], expected: datetime | None
) -> None:
    api.on("GET", AWARDS, json=listing([award(901, **row)]))
    assert [one.expires_at for one in read(docebo())] == [expected]


@pytest.mark.req("GN-31")
@pytest.mark.parametrize(
    "origin",
    [
        {"type": "external_certification", "source": "Credly", "external_id": "b1", "external_url": "https://x/b1"},
        {"type": "external_certification", "source": "Credly", "external_id": "b1", "external_link": "https://x/b1"},
    ],
)
@pytest.mark.parametrize("nested", [True, False])
def test_an_external_certification_shows_source_link_and_id(
    api: FakeAPI, docebo: MakeDocebo, origin: dict[str, str], nested: bool
) -> None:
    row = award(901, awarded_from=origin)
    if not nested:
        row = {**flat(901, awarded_from_type=origin["type"], awarded_from_id=None), **origin}
        del row["type"]
    api.on("GET", AWARDS, json=listing([row]))
    (found,) = read(docebo())
    assert (found.origin_type, found.origin_id) == ("external_certification", "")
    assert (found.source, found.link, found.external_id) == ("Credly", "https://x/b1", "b1")


@pytest.mark.parametrize("origin", [None, [], {}])
def test_an_award_by_hand_has_no_origin(api: FakeAPI, docebo: MakeDocebo, origin: Any) -> None:
    api.on("GET", AWARDS, json=listing([award(901, awarded_from=origin)]))
    assert [(one.id, one.origin_type, one.origin_id, one.source) for one in read(docebo())] == [("901", "", "", "")]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x", "it is a text, not an object"),
        (award(1, user_id=None), "user_id is missing"),
        (award(1, user_id=[4711]), "user_id is not an id"),
        (award(1, id=None), "id is missing"),
        (award(1, certification=None), "certification_id is missing"),
        (award(1, certification=7), "certification is a number, not an object"),
        (award(1, expiring_at="soon"), "not a date: soon"),
        (award(1, expiring_at=False), "not a date: False"),
        (award(1, awarded_from="course"), "awarded_from is a text, not an object"),
        (award(1, awarded_from={"type": ["course"]}), "type is a list, not a text"),
        (award(1, updated_at={}), "not a date"),
        ({name: value for name, value in award(1).items() if name != "expiring_at"}, "expiring_at is missing"),
        ({name: value for name, value in award(1).items() if name != "issued_at"}, "issued_at is missing"),
    ],
)
def test_a_row_that_cannot_be_read_is_reported_never_guessed(
    api: FakeAPI, docebo: MakeDocebo, row: Any, words: str
) -> None:
    api.on("GET", AWARDS, json=listing([row, award(902)]))
    bad: list[str] = []
    assert [one.id for one in read(docebo(), on_bad=bad.append)] == ["902"]
    assert len(bad) == 1
    assert words in bad[0].removeprefix("Docebo GET /certification/v1/awards, page 1, row 1: ")


@pytest.mark.req("GN-34")
def test_filters_are_asked_for_and_done_again(api: FakeAPI, docebo: MakeDocebo) -> None:
    old, new = "2026-01-31 23:59:59", "2026-02-01 00:00:00"
    rows = [
        award(1, updated_at=new),
        award(2, user=4712, updated_at=new),
        award(3, certification={"id": 8}, updated_at=new),
        award(4, updated_at=old),
        award(5),
    ]
    api.on("GET", AWARDS, json=listing(rows))
    found = read(docebo(), users=["4711"], updated_from=datetime(2026, 2, 1, tzinfo=UTC))
    assert [one.id for one in found] == ["1", "5"]  # 5 does not say when it changed
    (asked,) = api.seen("GET", AWARDS)
    assert (asked.params["certification_id[]"], asked.params["user_id[]"]) == (["7"], ["4711"])
    assert asked.param("updated_from") == new


def test_a_list_that_refuses_the_unproven_filter_is_read_without(api: FakeAPI, docebo: MakeDocebo) -> None:
    stamp = "2026-02-01 00:00:00"
    api.on("GET", AWARDS, status=400, json={"message": ["no"]}, params={"updated_from": stamp})
    api.on("GET", AWARDS, json=listing([award(1, updated_at="2026-01-01 00:00:00"), award(2, updated_at=stamp)]))
    found = read(docebo(), updated_from=datetime(2026, 2, 1, tzinfo=UTC))
    assert [one.id for one in found] == ["2"]


def test_many_ids_go_in_parts_and_none_asks_nothing(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", AWARDS, json=listing([award(1, user=1)]))
    one = docebo()
    assert list(certifications.awards(one, [])) == []
    assert api.seen("GET", AWARDS) == []
    found = certifications.awards(one, ["7", "7", *map(str, range(100, 150))], users=[str(n) for n in range(1, 61)])
    assert [item.id for item in found] == ["1"]
    asked = [(len(r.params["certification_id[]"]), len(r.params["user_id[]"])) for r in api.seen("GET", AWARDS)]
    assert asked == [(50, 50), (50, 10), (1, 50), (1, 10)]


def test_an_award_on_two_pages_comes_once(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", AWARDS, json=listing([award(1), award(2)], 1, 2), params={"page": "1"})
    api.on("GET", AWARDS, json=listing([award(2), award(3)], 2, 2), params={"page": "2"})
    assert [one.id for one in read(docebo())] == ["1", "2", "3"]


@pytest.mark.req("GN-34")
@pytest.mark.parametrize(
    "answer",
    [{}, [], "x", 0, None, {"data": None}, {"data": []}, {"data": {}}, {"data": {"items": {}}}, {"data": {"rows": []}}],
    ids=str,
)
def test_what_may_be_anything_is_not_an_empty_list(api: FakeAPI, docebo: MakeDocebo, answer: Any) -> None:
    api.on("GET", AWARDS, json=answer)
    api.on("GET", LIST, json=answer)
    one = docebo()
    with pytest.raises(BadAnswer):
        read(one, users=["4711"])
    with pytest.raises(BadAnswer):
        list(certifications.walk(one))


@pytest.mark.req("GN-34")
@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (200, PAGE, BadAnswer),
        (200, '{"data":{"success":false,"message":"no rights"}}', Rejected),
        (404, '{"message":["not found"]}', NotFound),
        (400, '{"message":["user does not exist"]}', Rejected),
    ],
)
def test_a_failure_is_not_an_empty_list(
    api: FakeAPI, docebo: MakeDocebo, status: int, answer: str, error: type[Exception]
) -> None:
    api.on("GET", AWARDS, status=status, body=answer)
    with pytest.raises(error):
        read(docebo(), users=["4711"])


def test_an_empty_list_is_one(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", AWARDS, json=listing([]))
    assert read(docebo(), users=["4711"]) == []


def test_endless_pages_end(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", AWARDS, json={"data": {"items": [award(1)], "has_more_data": True}})
    with pytest.raises(BadAnswer, match="endless paging"):
        read(docebo())


@pytest.mark.req("GN-31")
def test_an_award_is_given_as_an_external_certification(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("POST", AWARDS, json={"data": {"id": 901}})
    assert certifications.give(docebo(timezone="Europe/Rome"), REQUEST) == "901"
    (sent,) = api.seen("POST", AWARDS)
    assert sent.json == {
        "certification_id": 7,
        "user_id": 4711,
        "issued_at": "2026-02-10 17:31:06",
        "expiring_at": None,
        "awarded_from": {
            "type": "external_certification",
            "source": "Credly",
            "external_id": "b1",
            "external_url": "https://badges.example/b1",
        },
    }


def test_the_unproven_names_are_the_connections(api: FakeAPI, docebo: MakeDocebo) -> None:
    one = docebo(
        award_type="external",
        award_source_key="provider",
        award_link_key="url",
        award_external_id_key="reference",
        paths={"certification_awards": "/certification/v2/award", "certification_award": "/certification/v2/one/{id}"},
    )
    api.on("POST", "/certification/v2/award", json={"data": {"award": {"award_id": "901"}}})
    assert certifications.give(one, REQUEST) == "901"
    (sent,) = api.seen("POST", "/certification/v2/award")
    origin = sent.json["awarded_from"]
    assert origin == {"type": "external", "provider": "Credly", "reference": "b1", "url": "https://badges.example/b1"}
    api.on("GET", "/certification/v2/award", json=listing([award(901, awarded_from=origin)]))
    (found,) = read(one)
    assert (found.source, found.link, found.external_id) == ("Credly", "https://badges.example/b1", "b1")
    api.on("DELETE", "/certification/v2/one/901", status=204)
    assert certifications.revoke(one, "901")


@pytest.mark.parametrize(("name", "value"), [("award_source_key", "type"), ("award_link_key", "external_id")])
def test_keys_that_would_overwrite_each_other_are_refused(docebo: MakeDocebo, name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match="must differ"):
        docebo(token=False, **{name: value})


@pytest.mark.parametrize(
    "answer",
    [{}, [], None, {"data": []}, {"data": {}}, {"data": {"id": None}}, {"data": {"id": [1]}}, {"success": True}],
    ids=str,
)
def test_an_award_without_an_id_may_have_been_given(api: FakeAPI, docebo: MakeDocebo, answer: Any) -> None:
    api.on("POST", AWARDS, json=answer)
    with pytest.raises(RemoteUnsure, match="may have carried out POST /certification/v1/awards"):
        certifications.give(docebo(), REQUEST)
    assert len(api.seen("POST", AWARDS)) == 1


def test_a_web_page_after_a_post_is_unsure(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("POST", AWARDS, body=PAGE)
    with pytest.raises(RemoteUnsure):
        certifications.give(docebo(), REQUEST)
    assert len(api.seen("POST", AWARDS)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"success": False, "message": [{"id": "user_id", "message": "unknown user"}]}},
        {"success": False, "message": "unknown user"},
        {"data": {"errors": ["unknown user"]}},
        {"data": {"error_messages": {"user_id": ["unknown user"]}}},
    ],
)
def test_a_refusal_inside_a_200_is_one(api: FakeAPI, docebo: MakeDocebo, answer: Any) -> None:
    api.on("POST", AWARDS, json=answer)
    api.on("PUT", f"{AWARDS}/901", json=answer)
    api.on("DELETE", f"{AWARDS}/901", json=answer)
    one = docebo()
    for write in (
        lambda: certifications.give(one, REQUEST),
        lambda: certifications.update(one, "901", REQUEST),
        lambda: certifications.revoke(one, "901"),
    ):
        with pytest.raises(Rejected, match="unknown user"):
            write()


@pytest.mark.parametrize("answer", [{"data": {"id": 901}}, {"data": []}, None])
def test_an_update_writes_everything_anew(api: FakeAPI, docebo: MakeDocebo, answer: Any) -> None:
    api.on("PUT", f"{AWARDS}/901", json=answer)
    expires = datetime(2027, 1, 1, tzinfo=UTC)
    request = AwardRequest("7", "4711", REQUEST.issued_at, expires, "Credly", "https://badges.example/b2", "b2")
    certifications.update(docebo(), "901", request)
    (sent,) = api.seen("PUT", f"{AWARDS}/901")
    assert sent.json["expiring_at"] == "2027-01-01 00:00:00"
    assert sent.json["awarded_from"]["external_id"] == "b2"


def test_an_update_of_nothing(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("PUT", f"{AWARDS}/901", status=404)
    with pytest.raises(NotFound):
        certifications.update(docebo(), "901", REQUEST)


def test_revoking_says_whether_it_was_there(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("DELETE", f"{AWARDS}/901", status=204)
    api.on("DELETE", f"{AWARDS}/902", status=404, json={"message": ["not found"]})
    api.on("DELETE", f"{AWARDS}/903", status=400, json={"message": ["unknown parameter"]})
    one = docebo()
    assert certifications.revoke(one, "901") is True
    assert certifications.revoke(one, "902") is False
    with pytest.raises(Rejected):
        certifications.revoke(one, "903")


def test_a_revocation_whose_answer_was_lost_is_tried_again(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("DELETE", f"{AWARDS}/901", times=1, close="before")
    api.on("DELETE", f"{AWARDS}/901", status=404)
    assert certifications.revoke(docebo(), "901") is True
