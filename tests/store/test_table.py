"""What our table has beyond TinyDB's: keys, revisions, pages, any name."""

from __future__ import annotations

from typing import Any

import pytest
from tinydb import where

from connectctl.api import ColumnSpec, ConfigError, TableSpec
from connectctl.errors import DataError
from connectctl.store import open_store
from connectctl.store.engine import DuplicateKey
from connectctl.store.store import Store


def row(course: str | None, template: str | None = None, **others: Any) -> dict[str, Any]:
    return {"Course": course, "Template": template, **others}


DOUBLES: dict[str, Any] = {
    "insert": lambda t: t.insert(row("c1", "t1", Count=9)),
    "insert several": lambda t: t.insert_multiple([row("c8"), row("c1", "t1")]),
    "insert twice in one": lambda t: t.insert_multiple([row("c8"), row("c9"), row("c8")]),
    "null and blank are equal": lambda t: t.insert(row("c2", "")),
    "absent and null are equal": lambda t: t.insert({"Course": "c2"}),
    "update": lambda t: t.update({"Template": "t1"}, where("Course") == "c1"),
    "update two to the same": lambda t: t.update({"Course": "x", "Template": "y"}),
    "update_if": lambda t: t.update_if(2, 1, row("c1", "t1")),
    "upsert": lambda t: t.upsert(row("c1", "t1"), where("Course") == "nowhere"),
    "update_multiple": lambda t: t.update_multiple([({"Course": "c1", "Template": "t1"}, where("Course") == "c2")]),
}


@pytest.mark.parametrize("name", DOUBLES)
def test_a_key_is_kept_once(name: str, store: Store, spec: TableSpec) -> None:
    table = store.table(spec)
    before = [row("c1", "t1"), row("c1", "t2"), row("c2")]
    table.insert_multiple(before)
    with pytest.raises(DataError, match=r"Table Badge mappings already has a row with Course '\w+', Template '\w*'"):
        DOUBLES[name](table)
    assert table.all() == before


def test_the_error_names_the_key_that_is_taken(store: Store, spec: TableSpec) -> None:
    table = store.table(spec)
    table.insert(row("c2", "t2"))
    with pytest.raises(DuplicateKey, match="Course 'c2', Template 't2'"):
        table.insert_multiple([row("c1", "t1"), row("c2", "t2"), row("c3", "t3")])


def test_a_taken_key_leaves_the_transaction_around_it_in_order(store: Store, spec: TableSpec) -> None:
    table = store.table(spec)
    with store.transaction():
        table.insert(row("c1"))
        with pytest.raises(DuplicateKey):
            table.insert_multiple([row("c2"), row("c1")])
        table.insert(row("c3"))
    assert [found["Course"] for found in table] == ["c1", "c3"]


def test_rows_by_key(store: Store, spec: TableSpec) -> None:
    table = store.table(spec)
    first = table.put_row(("c1", ""), {"Count": 1})
    assert table.put_row(("c1", ""), {"Active": True}) == first
    table.put_row(("c1", "t1"), {"Count": 2})
    assert table.get_row(("c1", "")) == {"Course": "c1", "Template": "", "Count": 1, "Active": True}
    assert table.get_row(("c1", "t1")) == row("c1", "t1", Count=2)
    assert table.get_row(("c1", "t2")) is None
    assert list(table.by_key()) == [("c1", ""), ("c1", "t1")]
    assert table.delete_row(("c1", ""))
    assert not table.delete_row(("c1", ""))
    assert list(table.by_key()) == [("c1", "t1")]


@pytest.mark.parametrize("key", [("c1",), "c1", ("a", "b", "c")])
def test_a_key_of_the_wrong_length_is_refused(key: Any, store: Store, spec: TableSpec) -> None:
    with pytest.raises(ValueError, match="the key of badge-mappings"):
        store.table(spec).get_row(key)


def test_keys_of_other_types_are_written_as_people_write_them(store: Store) -> None:
    columns = (ColumnSpec("number", "integer"), ColumnSpec("on", "boolean"), ColumnSpec("day", "date"))
    table = store.table(TableSpec("typed", "Typed", columns, key=("number", "on", "day")))
    table.put_row(("7", "true", "2026-01-31"), {"x": 1})
    assert table.all() == [{"x": 1, "number": 7, "on": True, "day": "2026-01-31"}]
    assert table.get_row(("007", "true", "2026-01-31")) == table.all()[0]
    assert list(table.by_key()) == [("7", "true", "2026-01-31")]
    assert table.get_row(("7", "false", "2026-01-31")) is None
    with pytest.raises(ConfigError, match="must be true or false"):
        table.put_row(("7", "yes", ""), {})


def test_upsert_many_counts_real_changes_and_keeps_the_rest(store: Store, spec: TableSpec) -> None:
    table = store.table(spec)
    table.insert(row("c1", "t1", Count=1, Since="2026-01-01"))
    rows = [row("c1", "t1", Count=2), row("c2", "t2"), row("c2", None)]
    assert table.upsert_many(rows) == 3
    assert table.upsert_many(rows) == 0
    assert [found.rev for found in table.page()] == [2, 1, 1]
    assert table.get_row(("c1", "t1")) == row("c1", "t1", Count=2, Since="2026-01-01")


def test_upsert_many_is_all_or_nothing(store: Store, spec: TableSpec) -> None:
    table = store.table(spec)
    with pytest.raises(TypeError):
        table.upsert_many([row("c1"), row("c2", Count=object())])
    assert len(table) == 0


def test_a_row_is_replaced_only_at_its_revision(store: Store, spec: TableSpec) -> None:
    table = store.table(spec)
    table.insert(row("c1"))
    assert table.update_if(1, 1, row("c1", Count=2))
    assert not table.update_if(1, 1, row("c1", Count=3))
    assert not table.update_if(9, 1, row("c1"))
    assert [(found, found.rev) for found in table.page()] == [(row("c1", Count=2), 2)]


def test_pages_go_by_id(store: Store, spec: TableSpec) -> None:
    table = store.table(spec)
    table.insert_multiple(row(f"c{number}", Count=number % 2) for number in range(10))
    first = table.page(limit=4)
    table.remove(doc_ids=[4, 5])
    assert [found.doc_id for found in first] == [1, 2, 3, 4]
    assert [found.doc_id for found in table.page(first[-1].doc_id, 4)] == [6, 7, 8, 9]
    assert [found.doc_id for found in table.page(2, 2, where("Count") == 1)] == [6, 8]
    assert table.page(10) == []


@pytest.mark.parametrize(
    "name",
    ["users", "Users", "integration-settings", "integration_settings", "a b", "'; DROP TABLE meta; --", 'q"', "ä",
     "x" * 200, "sqlite_master", "meta", "", "d_users", "\x00"],
)  # fmt: skip
def test_any_name_is_a_table_of_its_own(name: str, store: Store) -> None:
    other = store.documents(name + "_")
    other.insert({"other": True})
    store.documents(name).insert({"name": name})
    assert store.documents(name).all() == [{"name": name}]
    assert other.all() == [{"other": True}]
    assert store.check() == []


def test_indexes_follow_the_spec(store: Store, spec: TableSpec) -> None:
    store.table(spec).insert_multiple([row("c1", "t1"), row("c1", "t2")])
    looser = TableSpec(spec.name, spec.title, spec.columns, key=(), indexes=("Since", "Course"))
    store.table(looser).insert(row("c1", "t1"))
    assert len(store.table(spec).all()) == 3  # reading changes nothing
    with pytest.raises(ConfigError, match="Badge mappings holds several rows with the same Course, Template"):
        store.table(spec).insert(row("c9"))
    store.table(looser).remove(doc_ids=[3])
    with pytest.raises(DuplicateKey):
        store.table(spec).insert(row("c1", "t1"))
    assert store.check() == []


def test_a_table_made_in_a_transaction_that_fails_is_made_again(store: Store, spec: TableSpec) -> None:
    table = store.table(spec)
    with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012 the block is what fails
        table.insert(row("c1"))
        raise ZeroDivisionError
    assert table.all() == []
    with store.transaction():
        with pytest.raises(ZeroDivisionError), store.atomic():  # noqa: PT012
            store.documents("fresh").insert({"x": 1})
            raise ZeroDivisionError
        store.documents("fresh").insert({"x": 2})
    assert store.documents("fresh").all() == [{"x": 2}]


def test_another_handle_sees_every_change_at_once(store: Store, spec: TableSpec) -> None:
    assert store.path is not None
    with open_store("sqlite:///store.db", store.path.parent) as other:
        mine, theirs = store.table(spec), other.table(spec)
        mine.insert(row("c1"))
        assert theirs.search(where("Course") == "c1") == [row("c1")]
        theirs.update({"Count": 5})
        assert mine.search(where("Course") == "c1") == [row("c1", Count=5)]


READS: dict[str, Any] = {
    "all": lambda t: t.all(),
    "iterate": list,
    "search": lambda t: t.search(where("Course") == "c1"),
    "page": lambda t: t.page(),
    "by key": lambda t: list(t.by_key()),
    "ids": lambda t: t.get(doc_ids=[1]),
}


@pytest.mark.parametrize("name", READS)
def test_reading_a_table_that_is_not_there_makes_nothing(name: str, store: Store, spec: TableSpec) -> None:
    table = store.table(spec)
    assert READS[name](table) == []
    assert (len(table), table.get(doc_id=1), table.get_row(("c1", "")), table.count(where("x") == 1)) == (
        0,
        None,
        None,
        0,
    )
    assert store.query("SELECT * FROM _tables") == []
    assert store.found(spec.name) is None
    table.insert(row("c1"))
    assert len(table) == 1


def test_rows_are_written_while_they_are_read(store: Store, spec: TableSpec) -> None:
    """So that a hundred thousand of them need no more memory than a few."""
    table = store.table(spec)
    ahead = []

    def rows(first: int) -> Any:
        for number in range(first, first + 2000):
            ahead.append(number - len(table))
            yield row(f"c{number}")

    assert table.insert_multiple(rows(0)) == list(range(1, 2001))
    assert table.upsert_many(rows(2000)) == 2000
    assert max(ahead) < 500


def test_upsert_many_asks_for_many_keys_at_once_and_by_index(
    store: Store, spec: TableSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = store.table(spec)
    table.insert_multiple(row(f"c{number}", None if number % 2 else f"t{number}") for number in range(1000))
    asked: list[tuple[str, Any]] = []
    stream = store.engine.stream
    monkeypatch.setattr(store.engine, "stream", lambda sql, params: asked.append((sql, params)) or stream(sql, params))
    rows = [row(f"c{number}", "" if number % 2 else f"t{number}", Count=number) for number in range(500, 1500)]
    assert table.upsert_many(rows) == 1000
    assert len(asked) < 10
    sql, params = asked[0]
    plan = [str(step[3]) for step in store.query(f"EXPLAIN QUERY PLAN {sql}", params)]
    assert not any(step.startswith("SCAN") for step in plan), plan[:3]
    assert len(table) == 1500
    assert table.get_row(("c501", "")) == row("c501", "", Count=501)


def test_upsert_many_takes_the_same_key_twice_and_odd_ones(store: Store, spec: TableSpec) -> None:
    table = store.table(spec)
    rows = [
        row("c1", Count=1),
        row("c2"),
        row("c1", Since="2026-01-01"),
        row("a\x00b"),
        row("a\x00b", Count=3),
        row("\ud800"),
    ]
    assert table.upsert_many(rows) == 6
    assert [dict(found) for found in table] == [
        row("c1", Count=1, Since="2026-01-01"), row("c2"), row("a\x00b", Count=3), row("\ud800"),
    ]  # fmt: skip
    assert table.upsert_many(rows[-2:]) == 0
    with pytest.raises(ValueError, match="has no key"):
        store.documents("keyless").upsert_many([{"x": 1}])


def test_a_page_of_matching_rows_begins_where_the_last_one_ended(
    store: Store, spec: TableSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = store.table(spec)
    table.insert_multiple(row(f"c{number}", Count=number % 3) for number in range(30))
    asked: list[tuple[str, Any]] = []
    stream = store.engine.stream
    monkeypatch.setattr(store.engine, "stream", lambda sql, params: asked.append((sql, params)) or stream(sql, params))
    assert [found.doc_id for found in table.page(8, 3, (where("Count") == 1) & where("Course").matches("c"))] == [
        11,
        14,
        17,
    ]
    sql, params = asked[0]
    plan = [str(step[3]) for step in store.query(f"EXPLAIN QUERY PLAN {sql}", params)]
    assert len(plan) == 1  # nothing is sorted
    assert "USING INDEX" in plan[0]
    assert "rowid>?" in plan[0]


def test_of_two_keys_that_are_one_in_json_the_last_one_counts(store: Store) -> None:
    table = store.documents("odd")
    table.insert({"x": {1: "a", "1": "b", None: [{2: 3}]}})
    assert table.all() == [{"x": {"1": "b", "null": [{"2": 3}]}}]
    assert len(table.search(where("x")["1"] == "b")) == 1
    assert table.search(where("x")["1"] == "a") == []


def test_a_document_that_no_database_would_take_is_refused(store: Store) -> None:
    table = store.documents("deep")
    nested: Any = []
    for _ in range(495):
        nested = [nested]
    table.insert({"x": nested})
    assert table.count(where("x").exists()) == 1
    for _ in range(10):
        nested = {"y": nested}
    with pytest.raises(TypeError, match="nested deeper than 500"):
        table.insert({"x": nested})


@pytest.mark.parametrize(("value", "words"), [("a\ud800", r"half a character \(\\ud800\)"), (2**70, "too large")])
def test_a_value_that_sql_cannot_hold_is_named(store: Store, value: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        store.execute("INSERT INTO cache VALUES('a', ?, 'c', 'd')", (value,))
    assert store.query("SELECT * FROM cache") == []
