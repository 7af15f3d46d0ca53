"""External training: rows under any of their names, written in the connection's form (docebo.md 8)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connectctl.docebo import training
from connectctl.docebo.training import Training, TrainingRequest
from connectctl.errors import BadAnswer, NotFound, Rejected, RemoteUnsure, SettingInvalid
from connectctl.testing.fake_api import FakeAPI

from .conftest import MakeDocebo, listing

PATH = "/learn/v1/external_training"
LINK = "https://badges.example/b1"
REQUEST = TrainingRequest("4711", "AWS Associate", "b1", "Credly", date(2026, 1, 1), date(2026, 1, 15), LINK)
FIELDS = {"training_id_field": "5", "training_link_field": "3"}


def row(number: int, user: int = 4711, **more: Any) -> dict[str, Any]:
    return {
        "training_id": number,
        "user_id": user,
        "course_name": "AWS Associate",
        "course_code": "b1",
        "training_institute": "Credly",
        "from_date": "2026-01-01",
        "to_date": "2026-01-15",
        "status": "Approved",
        **more,
    }


READ = Training("555", "4711", "AWS Associate", "b1", "Credly", date(2026, 1, 1), date(2026, 1, 15), status="approved")


@pytest.mark.parametrize(
    "shown",
    [
        row(555),
        {
            "external_training_id": "555",
            "id_user": "4711",
            "title": "AWS Associate",
            "course_code": "b1",
            "provider": "Credly",
            "date_from": "2026-01-01 00:00:00",
            "date_to": "2026-01-15 00:00:00",
            "status": "approved",
        },
        {
            "id": 555.0,
            "user_id": 4711,
            "course": " AWS Associate ",
            "course_code": "b1",
            "institute": "Credly",
            "start_date": "2026-01-01",
            "date": "2026-01-15",
            "status": "approved",
        },
    ],
)
def test_all_names_of_a_row_are_read(api: FakeAPI, docebo: MakeDocebo, shown: dict[str, Any]) -> None:
    api.on("GET", PATH, json=listing([shown]))
    assert list(training.walk(docebo(timezone="Europe/Rome"))) == [READ]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"from_date": None, "to_date": "0000-00-00"}, (None, None)),
        ({"from_date": "", "to_date": "0000-00-00 00:00:00"}, (None, None)),
        ({"from_date": "2026-01-01T23:30:00+00:00"}, (date(2026, 1, 2), date(2026, 1, 15))),
    ],
)
def test_dates_are_the_platforms(api: FakeAPI, docebo: MakeDocebo, more: dict[str, Any], expected: Any) -> None:
    api.on("GET", PATH, json=listing([row(555, **more)]))
    (one,) = training.walk(docebo(timezone="Europe/Rome"))
    assert (one.from_date, one.to_date) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([{"id": 3, "title": "Link", "type": "text", "value": LINK}, {"id": 5, "value": "b9"}], ("b9", LINK)),
        ({"3": LINK, "5": "b9"}, ("b9", LINK)),
        ({"3": None, "5": " "}, ("b1", "")),
        (None, ("b1", "")),
    ],
)
def test_id_and_link_may_stand_in_additional_fields(
    api: FakeAPI, docebo: MakeDocebo, fields: Any, expected: tuple[str, str]
) -> None:
    api.on("GET", PATH, json=listing([row(555, additional_fields=fields)]))
    (one,) = training.walk(docebo(**FIELDS))
    assert (one.code, one.link) == expected


@pytest.mark.parametrize(
    ("bad_row", "words"),
    [
        (None, "it is null, not an object"),
        (row(1, training_id=None), "training_id is missing"),
        (row(1, user_id={}), "user_id is not an id"),
        (row(1, to_date="soon"), "not a date: soon"),
        (row(1, course_code=["b1"]), "course_code is a list, not a text"),
        (row(1, additional_fields="none"), "additional_fields is a text, not a list"),
    ],
)
def test_a_row_that_cannot_be_read_is_reported(api: FakeAPI, docebo: MakeDocebo, bad_row: Any, words: str) -> None:
    api.on("GET", PATH, json=listing([bad_row, row(555)]))
    bad: list[str] = []
    assert [one.id for one in training.walk(docebo(**FIELDS), on_bad=bad.append)] == ["555"]
    assert len(bad) == 1
    assert words in bad[0]


def test_the_filter_is_asked_for_and_done_again(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", PATH, json=listing([row(1), row(2, user=4712), row(1)], 1, 2), params={"page": "1"})
    api.on("GET", PATH, json=listing([row(1), row(3)], 2, 2), params={"page": "2"})
    assert [one.id for one in training.walk(docebo(), users=["4711"])] == ["1", "3"]
    assert api.seen("GET", PATH)[0].params["user_id[]"] == ["4711"]


def test_a_list_that_refuses_the_filter_is_read_once_as_a_whole(api: FakeAPI, docebo: MakeDocebo) -> None:
    people = [str(number) for number in range(1, 121)]
    api.on("GET", PATH, status=400, json={"message": ["unknown parameter"]}, params={"user_id[]": "1"})
    api.on("GET", PATH, json=listing([row(1, user=1), row(2, user=120), row(3, user=500)]))
    assert [one.id for one in training.walk(docebo(), users=people)] == ["1", "2"]
    assert ["user_id[]" in request.params for request in api.seen("GET", PATH)] == [True, True, False]


def test_many_users_go_in_parts(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", PATH, json=listing([row(1, user=1)]))
    assert len(list(training.walk(docebo(), users=[str(number) for number in range(1, 61)]))) == 1
    assert [len(request.params["user_id[]"]) for request in api.seen("GET", PATH)] == [50, 10]


@pytest.mark.parametrize(
    "answer", [{}, [], "x", {"data": None}, {"data": []}, {"data": {"items": None}}, {"data": {"rows": []}}], ids=str
)
def test_what_may_be_anything_is_not_an_empty_list(api: FakeAPI, docebo: MakeDocebo, answer: Any) -> None:
    api.on("GET", PATH, json=answer)
    with pytest.raises(BadAnswer):
        list(training.walk(docebo()))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, "<html>", BadAnswer),
        (200, '{"data":{"success":false}}', Rejected),
        (404, '{"message":"no"}', NotFound),
    ],
)
def test_a_failure_is_not_an_empty_list(
    api: FakeAPI, docebo: MakeDocebo, status: int, body: str, error: type[Exception]
) -> None:
    api.on("GET", PATH, status=status, body=body)
    with pytest.raises(error):
        list(training.walk(docebo()))


def test_endless_pages_end(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", PATH, json={"data": {"items": [row(1)], "has_more_data": True}})
    with pytest.raises(BadAnswer, match="endless paging"):
        list(training.walk(docebo()))


PLAIN = {
    "user_id": 4711,
    "course_name": "AWS Associate",
    "training_institute": "Credly",
    "from_date": "2026-01-01",
    "to_date": "2026-01-15",
    "status": "approved",
}


@pytest.mark.req("CR-63")
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, {**PLAIN, "course_code": "b1"}),
        ({"training_score": 0}, {**PLAIN, "course_code": "b1", "score": 0}),
        ({"training_score": "100"}, {**PLAIN, "course_code": "b1", "score": 100}),
        ({"training_status": "waiting"}, {**PLAIN, "course_code": "b1", "status": "waiting"}),
        ({"training_link_field": "3"}, {**PLAIN, "course_code": "b1", "additional_fields": {"3": LINK}}),
        (FIELDS, {**PLAIN, "additional_fields": {"3": LINK, "5": "b1"}}),
    ],
)
def test_a_training_is_written_in_the_connections_form(
    api: FakeAPI, docebo: MakeDocebo, chosen: dict[str, Any], expected: dict[str, Any]
) -> None:
    api.on("POST", PATH, json={"data": {"training_id": 555}})
    api.on("PUT", f"{PATH}/555", json={"data": {}})
    one = docebo(**chosen)
    assert training.create(one, REQUEST) == "555"
    training.update(one, "555", REQUEST)
    assert [request.json for request in api.seen("POST", PATH)] == [expected]
    assert [request.json for request in api.seen("PUT", f"{PATH}/555")] == [expected]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"training_link_field": "my link"}, "training_link_field of the connection docebo is not the id"),
        ({"training_id_field": "3", "training_link_field": "3"}, "are the same field"),
        ({"training_score": "many"}, "must be a whole number"),
    ],
)
def test_fields_that_cannot_be_are_refused_before_anything_is_sent(
    docebo: MakeDocebo, chosen: dict[str, str], words: str
) -> None:
    with pytest.raises(SettingInvalid, match=words):
        docebo(token=False, **chosen)


@pytest.mark.parametrize("answer", [{}, [], None, {"data": []}, {"data": {"training_id": None}}], ids=str)
def test_a_training_without_an_id_may_have_been_created(api: FakeAPI, docebo: MakeDocebo, answer: Any) -> None:
    api.on("POST", PATH, json=answer)
    with pytest.raises(RemoteUnsure):
        training.create(docebo(), REQUEST)
    assert len(api.seen("POST", PATH)) == 1


def test_a_refusal_inside_a_200_is_one(api: FakeAPI, docebo: MakeDocebo) -> None:
    answer = {"data": {"success": False, "message": "institute is unknown"}}
    api.on("POST", PATH, json=answer)
    api.on("PUT", f"{PATH}/555", json=answer)
    api.on("DELETE", f"{PATH}/555", json=answer)
    one = docebo()
    for write in (
        lambda: training.create(one, REQUEST),
        lambda: training.update(one, "555", REQUEST),
        lambda: training.delete(one, "555"),
    ):
        with pytest.raises(Rejected, match="institute is unknown"):
            write()


def test_deleting_says_whether_it_was_there(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("DELETE", f"{PATH}/555", json={"data": {"success": True}})
    api.on("DELETE", f"{PATH}/556", status=404)
    one = docebo()
    assert training.delete(one, "555") is True
    assert training.delete(one, "556") is False
