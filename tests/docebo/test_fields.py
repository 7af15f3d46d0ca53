"""Dropdown fields: found by exact name, read in all shapes, changed by one request."""

from __future__ import annotations

from typing import Any

import pytest

from connectctl.docebo import fields
from connectctl.docebo.fields import FieldDef, Option
from connectctl.errors import BadAnswer, ConfigError, DataError, NotFound, Rejected, RemoteUnsure
from connectctl.testing.fake_api import FakeAPI

from .conftest import MakeDocebo, listing

OLD, NEW = "/learn/v1/courses/field", "/course/v1/courses/fields"

GOLD = Option("31", "Gold", ("Gold",))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": 5, "name": {"value": "Badge"}}, FieldDef("5", "Badge", "")),
        ({"field_id": 5, "name_field": "Badge", "type_field": "Dropdown"}, FieldDef("5", "Badge", "dropdown")),
        ({"id": 5, "title": "Badge", "type": "dropdown", "options": []}, FieldDef("5", "Badge", "dropdown")),
        ({"id": 5, "translations": {"italian": "Distintivo", "english": "Badge"}}, FieldDef("5", "Badge", "")),
        ({"id": 5, "name": {"value": None}}, FieldDef("5", "", "")),
        (
            {"id": 5, "name": "Badge", "dropdown_options": [{"option_id": "31", "translations": {"english": "Gold"}}]},
            FieldDef("5", "Badge", "", (GOLD,)),
        ),
        ({"id": 5, "name": "Badge", "options": [{"id": 31, "label": "Gold"}]}, FieldDef("5", "Badge", "", (GOLD,))),
        ({"id": 5, "name": "Badge", "options": {"31": "Gold"}}, FieldDef("5", "Badge", "", (GOLD,))),
        (
            {"id": 5, "name": "Badge", "options": [{"id": 31, "translations": {"italian": "Oro", "all": "Gold"}}]},
            FieldDef("5", "Badge", "", (Option("31", "Gold", ("Gold", "Oro")),)),
        ),
        (
            {"id": 5, "name": "Badge", "options": [{"id": 31, "translations": {"italian": "Oro", "english": ""}}]},
            FieldDef("5", "Badge", "", (Option("31", "Oro", ("Oro",)),)),
        ),
        ({"id": 5, "name": "Badge", "options": [{"id": 31}]}, FieldDef("5", "Badge", "", (Option("31", ""),))),
    ],
)
def test_all_shapes_of_a_definition(row: dict[str, Any], expected: FieldDef) -> None:
    assert fields.definition(row) == expected


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"id": []},
        {"id": 5, "name": []},
        {"id": 5, "options": "x"},
        {"id": 5, "options": [1]},
        {"id": 5, "options": [{"label": "Gold"}]},
        {"id": 5, "options": [{"id": 1, "translations": {"english": []}}]},
    ],
)
def test_a_definition_that_cannot_be_read(row: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        fields.definition(row)


def test_a_field_is_found_by_its_exact_name(api: FakeAPI, docebo: MakeDocebo) -> None:
    names = ["credly badge", "Credly badge 2", " Credly badge ", "xCredly badge"]
    api.on("GET", NEW, json=listing([{"id": n, "title": name, "type": "dropdown"} for n, name in enumerate(names, 1)]))
    one = docebo()
    found = fields.find(one, "Credly badge ")
    assert found is not None
    assert found.id == "3"
    assert fields.find(one, "Credly") is None


@pytest.mark.parametrize("status", [404, 400, 405])
def test_the_older_list_where_the_newer_is_not_offered(api: FakeAPI, docebo: MakeDocebo, status: int) -> None:
    api.on("GET", NEW, status=status, json={"message": "id must be a number"})
    api.on("GET", OLD, json=listing([{"id": 5, "name": {"value": "Badge"}}]))
    assert fields.find(docebo(), "Badge") == FieldDef("5", "Badge", "")


def test_two_fields_of_one_name_are_not_guessed_between(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", NEW, json=listing([{"id": 5, "title": "Badge"}, {"id": 6, "title": "Badge"}]))
    with pytest.raises(ConfigError, match=r"2 course fields named 'Badge' \(ids 5, 6\)"):
        fields.find(docebo(), "Badge")


def test_a_field_is_not_missing_when_a_row_cannot_be_read(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", NEW, json=listing([{"title": "Badge"}, {"id": 6, "title": "Other"}]))
    one = docebo()
    with pytest.raises(DataError, match="row 1: id is missing"):
        fields.find(one, "Badge")
    assert fields.find(one, "Other") is not None


def test_one_field(api: FakeAPI, docebo: MakeDocebo) -> None:
    row = {
        "id": 5,
        "type": "dropdown",
        "translations": {"english": "Badge"},
        "dropdown_options": [{"id": 31, "name": "Gold"}],
    }
    api.on("GET", f"{NEW}/5", json={"data": row})
    assert fields.get(docebo(), "5") == FieldDef("5", "Badge", "dropdown", (GOLD,))


def test_one_field_from_the_list(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("GET", f"{NEW}/5", status=404)
    api.on("GET", f"{NEW}/6", status=404)
    api.on("GET", NEW, status=404)
    api.on("GET", OLD, json=listing([{"id": 5, "name": {"value": "Badge"}, "options": {"31": "Gold"}}]))
    one = docebo()
    assert fields.get(one, "5").options == (GOLD,)
    with pytest.raises(NotFound):
        fields.get(one, "6")


@pytest.mark.parametrize("answer", [{"data": {"id": 5}}, {"data": {"field_id": "5"}}, {"id": 5}])
def test_create(api: FakeAPI, docebo: MakeDocebo, answer: Any) -> None:
    api.on("POST", NEW, json=answer)
    assert fields.create(docebo(language="italian"), " Badge ") == "5"
    assert api.seen("POST", NEW)[0].json == {
        "type": "dropdown",
        "translations": {"italian": "Badge"},
        "mandatory": False,
        "visible_to_user": False,
        "dropdown_options": [],
    }


def test_create_without_an_id_in_the_answer(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("POST", NEW, json={"data": {"success": True}})
    api.on("GET", NEW, json=listing([{"id": 5, "title": "Badge"}]), times=1)
    api.on("GET", NEW, json=listing([]))
    one = docebo()
    assert fields.create(one, "Badge") == "5"
    with pytest.raises(BadAnswer, match="the new field has no id"):
        fields.create(one, "Badge")


def test_create_is_not_repeated(api: FakeAPI, docebo: MakeDocebo) -> None:
    route = api.on("POST", NEW, json={"data": {"id": 5}}, close="after")
    with pytest.raises(RemoteUnsure):
        fields.create(docebo(), "Badge")
    assert route.count == 1


def test_all_changes_of_elements_are_one_request(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("PUT", f"{NEW}/5", json={"data": {"field_id": 5, "error_messages": []}})
    assert fields.change_options(docebo(), "5", ["Gold", "Silver"], [("31", "Bronze")], ["32", "x-1"]) == ()
    (request,) = api.seen("PUT", f"{NEW}/5")
    assert request.json == {
        "dropdown_options": {
            "new": [{"translations": {"english": "Gold"}}, {"translations": {"english": "Silver"}}],
            "updated": [{"id_option": 31, "translations": {"english": "Bronze"}}],
            "deleted": [{"id_option": 32}, {"id_option": "x-1"}],
        }
    }


def test_nothing_to_change_is_no_request(api: FakeAPI, docebo: MakeDocebo) -> None:
    assert fields.change_options(docebo(), "5") == ()
    assert api.requests == []


@pytest.mark.parametrize(
    ("new", "renamed", "deleted", "kind", "tries"),
    [
        (["Gold"], [], [], RemoteUnsure, 1),
        ([], [], ["31"], RemoteUnsure, 1),
        ([], [("31", "Gold")], [], None, 2),
    ],
)
def test_only_renaming_is_repeated(
    api: FakeAPI,
    docebo: MakeDocebo,
    new: list[str],
    renamed: list[tuple[str, str]],
    deleted: list[str],
    kind: type[Exception] | None,
    tries: int,
) -> None:
    api.on("PUT", f"{NEW}/5", json={"data": {}}, close="after", times=1)
    api.on("PUT", f"{NEW}/5", json={"data": {}})
    if kind is None:
        fields.change_options(docebo(), "5", new, renamed, deleted)
    else:
        with pytest.raises(kind):
            fields.change_options(docebo(), "5", new, renamed, deleted)
    assert len(api.seen("PUT", f"{NEW}/5")) == tries


def test_what_docebo_says_about_single_elements_is_handed_on(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("PUT", f"{NEW}/5", json={"data": {"error_messages": ["Option 9 does not exist"]}})
    assert fields.change_options(docebo(), "5", deleted=["9"]) == ("Option 9 does not exist",)


def test_more_elements_than_fit(api: FakeAPI, docebo: MakeDocebo) -> None:
    api.on("PUT", f"{NEW}/5", status=400, json={"message": "at most 300 elements"})
    one = docebo()
    with pytest.raises(ConfigError, match="301 new elements do not fit"):
        fields.change_options(one, "5", [str(n) for n in range(301)])
    with pytest.raises(Rejected, match="at most 300 elements"):
        fields.change_options(one, "5", ["one more"])


def test_fields_are_written_one_request_at_a_time(api: FakeAPI, docebo: MakeDocebo) -> None:
    one = docebo()
    alone: list[bool] = []
    api.on("PUT", f"{NEW}/5", json=lambda _: alone.append(one.writing.locked()) or {"data": {}})
    api.on("POST", NEW, json=lambda _: alone.append(one.writing.locked()) or {"data": {"id": 6}})
    fields.change_options(one, "5", ["Gold"])
    fields.create(one, "Badge")
    assert alone == [True, True]
    assert not one.writing.locked()


@pytest.mark.req("AC-18", "AC-24")
def test_the_fields_of_learning_plans_have_places_of_their_own(api: FakeAPI, docebo: MakeDocebo) -> None:
    plans = "/learningplan/v1/learningplans/fields"
    client, asked = docebo(), {"id": 5, "title": "Group", "type": "dropdown"}
    api.on("GET", plans, json=listing([asked]), times=1)
    assert fields.find(client, "Group", "plan") == FieldDef("5", "Group", "dropdown")
    api.on("GET", f"{plans}/5", json={"data": asked | {"dropdown_options": [{"id": 31, "label": "Gold"}]}})
    assert fields.get(client, "5", "plan").options == (GOLD,)
    api.on("POST", plans, json={"data": {"id": 6}})
    assert fields.create(client, "Other", "plan") == "6"
    api.on("PUT", f"{plans}/5", json={"data": {}})
    assert fields.change_options(client, "5", new=["Silver"], of="plan") == ()
    api.on("GET", plans, json=listing([asked, asked | {"id": 7}]))
    with pytest.raises(ConfigError, match="2 learning plan fields named"):
        fields.find(client, "Group", "plan")
