"""Additional fields of the simulated Docebo: definitions, options, values (docebo.md 3.7, 4.3 to 4.5, 14)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

FIELDS = "/course/v1/courses/fields"


def option(label):
    return {"translations": {"english": label}}


@pytest.fixture
def field_id(docebo):
    answer = docebo.post(
        FIELDS,
        json={
            "type": "dropdown",
            "translations": {"english": "Credly badge"},
            "mandatory": False,
            "visible_to_user": False,
            "dropdown_options": [option("Gold"), option("Silver"), option("Bronze")],
        },
    )
    assert answer.status_code == 200
    return answer.json()["data"]["id"]


@pytest.fixture
def options(docebo, field_id):
    """The options as they are now: id by label."""

    def read():
        listed = docebo.get(f"{FIELDS}/{field_id}").json()["data"]["dropdown_options"]
        return {one["translations"]["english"]: one["id"] for one in listed}

    return read


@pytest.fixture
def change(docebo, field_id):
    return lambda **changes: docebo.put(f"{FIELDS}/{field_id}", json={"dropdown_options": changes})


def test_no_field_exists_at_first(docebo):
    assert docebo.get(FIELDS).json()["data"]["items"] == []
    assert docebo.get("/learn/v1/courses/field").json()["data"]["items"] == []


def test_both_lists_show_a_new_field_in_their_own_words(docebo, field_id):
    (old,) = docebo.get("/learn/v1/courses/field?page=1&page_size=200").json()["data"]["items"]
    assert (old["id"], old["name"]) == (field_id, {"value": "Credly badge"})
    (new,) = docebo.get(f"{FIELDS}?page=1").json()["data"]["items"]
    assert (new["id"], new["type"], new["translations"]) == (field_id, "dropdown", {"english": "Credly badge"})
    assert "dropdown_options" not in new
    assert docebo.get(f"{FIELDS}/999").status_code == 404


def test_options_are_added_renamed_and_deleted(docebo, change, options):
    before = options()
    answer = change(
        new=[option("Iron")],
        updated=[{"id_option": str(before["Gold"]), "translations": {"english": "Platinum"}}],
        deleted=[{"id_option": before["Bronze"]}],
    )
    assert answer.json()["data"]["error_messages"] == []
    after = options()
    assert list(after) == ["Platinum", "Silver", "Iron"]
    assert after["Platinum"] == before["Gold"]
    assert after["Iron"] not in before.values()


def test_an_unknown_option_is_told_inside_a_200(change, options):
    answer = change(deleted=[{"id_option": 999}], new=[option("Iron")])
    assert answer.status_code == 200
    assert answer.json()["data"]["error_messages"] == ["Option 999 does not exist"]
    assert "Iron" in options()


def test_the_read_key_of_options_differs_between_platforms(box, docebo, field_id):
    box.docebo.flags.option_read_key = "option_id"
    listed = docebo.get(f"{FIELDS}/{field_id}").json()["data"]["dropdown_options"]
    assert all(isinstance(one["option_id"], str) and "id" not in one for one in listed)


def test_translations_and_sequence_of_the_field_change(docebo, field_id):
    body = {"translations": {"english": "Badge", "italian": "Distintivo"}, "sequence": 3}
    assert docebo.put(f"{FIELDS}/{field_id}", json=body).json()["data"]["field_id"] == field_id
    data = docebo.get(f"{FIELDS}/{field_id}").json()["data"]
    assert (data["translations"], data["sequence"]) == (body["translations"], 3)


def test_options_can_be_reordered(change, options):
    change(updated=[{"id_option": options()["Bronze"], "sequence": 1}])
    assert next(iter(options())) in ("Gold", "Bronze")
    change(updated=[{"id_option": options()["Gold"], "sequence": 9}])
    assert list(options()) == ["Bronze", "Silver", "Gold"]


def test_three_hundred_options_fit_and_one_more_is_refused(change, options):
    assert change(new=[option(f"Badge {number}") for number in range(297)]).status_code == 200
    refused = change(new=[option("One too many")])
    assert refused.status_code == 400
    assert "300" in refused.json()["message"][0]
    assert len(options()) == 300
    assert change(new=[option("Instead")], deleted=[{"id_option": options()["Gold"]}]).status_code == 200
    assert len(options()) == 300


def test_a_new_field_obeys_the_limit_too(docebo):
    many = [option(str(number)) for number in range(301)]
    body = {"type": "dropdown", "translations": {"all": "Badge"}, "dropdown_options": many}
    assert docebo.post(FIELDS, json=body).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "checkbox"},
        {"type": None},
        {"translations": {"italian": "Distintivo"}},
        {"translations": "Badge"},
        {"mandatory": 0},
        {"name": "Badge"},
        {"dropdown_options": {"new": []}},
        {"dropdown_options": [{"label": "Gold"}]},
        {"type": "textfield"},
    ],
)
def test_a_malformed_field_is_refused(docebo, changes):
    body = {"type": "dropdown", "translations": {"english": "Badge"}, "dropdown_options": [option("Gold")]}
    assert docebo.post(FIELDS, json=body | changes).status_code == 400
    assert docebo.get(FIELDS).json()["data"]["items"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"added": []},
        {"new": ["Gold"]},
        {"new": [{"translations": {}}]},
        {"updated": [{"option_id": 31}]},
        {"updated": [{"id": 31, "translations": {"english": "x"}}]},
        {"deleted": [31]},
        {"deleted": [{"id_option": None}]},
        {"deleted": [{"id_option": True}]},
        {"updated": [{"id_option": 31, "sequence": 0}]},
    ],
)
def test_malformed_option_changes_are_refused_as_a_whole(change, options, changes):
    before = options()
    assert change(**({"new": [option("Extra")]} | changes)).status_code == 400
    assert options() == before


def test_a_course_takes_and_shows_a_value(docebo, field_id, options):
    gold = options()["Gold"]
    put = docebo.put("/course/v1/courses/81", json={"additional_fields": [{"id": field_id, "value": str(gold)}]})
    assert put.status_code == 200
    (shown,) = docebo.get("/learn/v1/courses/81").json()["data"]["additional_fields"]
    assert (shown["id"], shown["title"], shown["value"]) == (str(field_id), "Credly badge", str(gold))
    (shown,) = docebo.get("/course/v1/courses/81").json()["data"]["additional_fields"]
    assert (shown["id"], shown["value"]) == (field_id, str(gold))
    (empty,) = docebo.get("/learn/v1/courses/82").json()["data"]["additional_fields"]
    assert empty["value"] is None


def test_a_value_may_be_shown_as_its_label(box, docebo, field_id, options):
    box.docebo.select(81, options()["Silver"])
    box.docebo.flags.field_value = "label"
    for path in ("/learn/v1/courses/81", "/course/v1/courses/81"):
        assert docebo.get(path).json()["data"]["additional_fields"][0]["value"] == "Silver"


def test_selecting_moves_the_courses_change_date_and_deleting_an_option_does_not(box, docebo, change, options):
    box.clock.advance(60)
    box.docebo.select(81, options()["Gold"])
    selected_at = box.docebo.courses[81].updated_at
    assert selected_at == box.docebo.now()
    box.clock.advance(60)
    change(deleted=[{"id_option": options()["Gold"]}])
    (shown,) = docebo.get("/learn/v1/courses/81").json()["data"]["additional_fields"]
    assert shown["value"] is None
    assert box.docebo.courses[81].updated_at == selected_at


def test_renaming_an_option_keeps_the_selection(box, docebo, change, options):
    gold = options()["Gold"]
    box.docebo.select(81, gold)
    change(updated=[{"id_option": gold, "translations": {"english": "Platinum"}}])
    assert docebo.get("/learn/v1/courses/81").json()["data"]["additional_fields"][0]["value"] == str(gold)


@pytest.mark.parametrize(
    "fields",
    [
        [{"id": 999, "value": "1"}],
        [{"id": 5, "value": "999"}],
        [{"id": 5, "value": "Gold"}],
        [{"id": 5, "value": 1.5}],
        [{"id": 5}],
        {"5": "31"},
        "5",
    ],
)
def test_a_wrong_value_is_refused(docebo, field_id, fields):
    assert field_id == 5
    assert docebo.put("/course/v1/courses/81", json={"additional_fields": fields}).status_code == 400


def test_the_map_style_of_values(box, docebo, field_id, options):
    box.docebo.flags.additional_fields_style = "map"
    body = {"additional_fields": {str(field_id): str(options()["Gold"])}}
    assert docebo.put("/course/v1/courses/81", json=body).status_code == 200
    assert docebo.put("/course/v1/courses/81", json={"additional_fields": []}).status_code == 400
    assert docebo.put("/course/v1/courses/81", json=body | {"name": "x"}).status_code == 400
    assert docebo.put("/course/v1/courses/999", json=body).status_code == 404
    assert box.docebo.courses[81].values == {field_id: options()["Gold"]}


def test_two_writes_to_the_fields_at_once_conflict(box, docebo, change, options):
    box.docebo.flags.field_write_seconds = 0.3
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda label: change(new=[option(label)]).status_code, ["One", "Two"]))
    assert sorted(answers) == [200, 409]
    box.docebo.flags.field_write_seconds = 0.0
    assert change(new=[option("Three")]).status_code == 200
    assert len(options()) == 5


def test_the_administrators_own_field_and_clearing(box, docebo):
    field = box.docebo.add_field("Level", ["Easy", "Hard"])
    easy, hard = box.docebo.labels(field.field_id)
    course = box.docebo.add_course("Extra", selected_option=hard)
    assert box.docebo.field_of(easy) == field
    assert box.docebo.courses[course.course_id].values == {field.field_id: hard}
    box.docebo.select(course.course_id, None)
    assert box.docebo.courses[course.course_id].values == {field.field_id: None}
    with pytest.raises(LookupError):
        box.docebo.select(course.course_id, 9999)


PLAN_FIELDS = "/learningplan/v1/learningplans/fields"


def test_learning_plans_have_fields_of_their_own_with_ids_that_count_anew(box, docebo, field_id):
    body = {"type": "dropdown", "translations": {"english": "Group"}, "dropdown_options": [option("Gold")]}
    made = docebo.post(PLAN_FIELDS, json=body).json()["data"]["id"]
    assert made == field_id, "a field of courses has the same id"
    assert [one["title"] for one in docebo.get(PLAN_FIELDS).json()["data"]["items"]] == ["Group"]
    assert [one["title"] for one in docebo.get(FIELDS).json()["data"]["items"]] == ["Credly badge"]
    changed = {"dropdown_options": {"new": [option("Silver")]}}
    assert docebo.put(f"{PLAN_FIELDS}/{made}", json=changed).json()["data"]["error_messages"] == []
    assert docebo.get(f"{PLAN_FIELDS}/99").status_code == 404
    assert docebo.post(PLAN_FIELDS, json=body | {"colour": "red"}).status_code == 400


def test_a_value_of_a_learning_plan_is_one_of_its_own_options_and_falls_with_it(box, docebo):
    field = box.docebo.add_field("Group", ["Gold", "Silver"], of="plan")
    plan, gold = next(iter(box.docebo.plans)), field.options[0].option_id
    place = f"/learningplan/v1/learningplans/{plan}"

    def value():
        (shown,) = docebo.get(place).json()["data"]["additional_fields"]
        return shown["value"]

    assert value() is None
    body = {"additional_fields": [{"id": field.field_id, "value": str(gold)}]}
    assert docebo.put(place, json=body).status_code == 200
    assert value() == str(gold)
    strange = {"additional_fields": [{"id": field.field_id, "value": "999"}]}
    assert docebo.put(place, json=strange).status_code == 400
    assert docebo.put(place, json=body | {"title": "x"}).status_code == 400
    box.docebo.select_on_plan(plan, "Silver", field.field_id)
    box.docebo.select_on_plan(plan, "Gold", field.field_id)
    gone = {"dropdown_options": {"deleted": [{"id_option": gold}]}}
    assert docebo.put(f"{PLAN_FIELDS}/{field.field_id}", json=gone).status_code == 200
    assert value() is None
