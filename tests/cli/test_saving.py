"""Whatever two people do to the same rows: an edit is saved whole or refused whole, and nobody's change is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectctl.api import ColumnSpec, TableSpec
from connectctl.cli.changes import compare, rebase
from connectctl.cli.saving import Basis, Saved, save
from connectctl.cli.sheet import Shown, one_line, parse, render, texts_of
from connectctl.store import open_store
from connectctl.store.store import Store

SPEC = TableSpec("things", "Things", (ColumnSpec("K"), ColumnSpec("L"), ColumnSpec("V")), ("K", "L"))
NAMES = ("K", "L", "V")
Rows = dict[int, dict[str, Any]]

TEXTS = st.sampled_from(["", "a", "b", "c"])
ROW = st.fixed_dictionaries(dict.fromkeys(NAMES, TEXTS))
TABLE = st.lists(ROW, max_size=5, unique_by=lambda row: (row["K"], row["L"]))
EDIT = st.tuples(st.integers(0, 5), st.sampled_from(["change", "remove", "add"]), st.sampled_from(NAMES), TEXTS, ROW)
EDITS = st.lists(EDIT, max_size=4)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store("sqlite:///store.db", tmp_path) as opened:
        yield opened


def now(store: Store) -> Rows:
    return {row.doc_id: {name: row.get(name) or "" for name in NAMES} for row in store.table(SPEC)}


def edited(rows: Rows, edits: list[Any]) -> list[tuple[int | None, dict[str, Any]]]:
    """The rows after somebody's edits; new ones have no number."""
    result: list[tuple[int | None, dict[str, Any]]] = [(number, dict(row)) for number, row in rows.items()]
    for place, what, column, text, row in edits:
        if what == "add":
            result.append((None, dict(row)))
        elif place < len(result):
            if what == "remove":
                del result[place]
            else:
                result[place][1][column] = text
    return result


def do(store: Store, wanted: list[tuple[int | None, dict[str, Any]]]) -> None:
    """The other person, past all checks; what the key forbids is left out."""
    table = store.table(SPEC)
    have = {number for number, _ in wanted}
    table.remove(doc_ids=[number for number in now(store) if number not in have])
    for number, row in wanted:
        try:
            if number is None:
                table.insert(row)
            else:
                table.update(row, doc_ids=[number])
        except Exception as error:  # noqa: BLE001 - a key that is taken
            assert type(error).__name__ == "DuplicateKey"  # noqa: PT017


def shown(store: Store) -> Basis:
    rows = list(store.table(SPEC))
    _, *lines = render(((row.doc_id, texts_of(SPEC, row)) for row in rows), SPEC)
    return Basis({row.doc_id: Shown(row.rev, line) for row, line in zip(rows, lines, strict=True)}, 100)


def text(rows: list[tuple[int | None, dict[str, Any]]]) -> list[str]:
    return ["Row, K, L, V", *(one_line(number, [row[name] for name in NAMES]) for number, row in rows)]


def keys(rows: list[tuple[int | None, dict[str, Any]]]) -> list[tuple[str, str]]:
    return [(row["K"], row["L"]) for _, row in rows]


def whole(rows: Rows) -> list[tuple[str, ...]]:
    return sorted(tuple(row.values()) for row in rows.values())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TABLE, EDITS, EDITS)
def test_two_people(store: Store, table: list[dict[str, Any]], mine: list[Any], theirs: list[Any]) -> None:
    store.table(SPEC).truncate()
    store.table(SPEC).insert_multiple(table)
    before, basis = now(store), shown(store)
    wanted = [(number, row) for number, row in edited(before, mine) if number or any(row.values())]
    do(store, edited(before, theirs))
    between = now(store)
    lines = text(wanted)
    changes = compare(parse(lines, SPEC, basis.shown), SPEC, basis.shown)
    assert bool(changes.faults) == (len(set(keys(wanted))) < len(wanted))
    if changes.faults:
        return
    planned = save(store, SPEC, changes, basis, dry_run=True)
    assert now(store) == between
    done = save(store, SPEC, changes, basis)
    assert (str(planned), planned.refused) == (str(done), done.refused)
    after = now(store)
    if done.refused:
        assert after == between != before
        taken_up(store, lines, basis, done)
        return
    # Their changes to rows that this text does not touch are there, and so is all that this text wants.
    ours = {number: row for number, row in wanted if number}
    for number, row in before.items():
        if number not in ours:
            assert number not in after
            assert between.get(number) in (None, row)
        elif ours[number] == row:
            assert after.get(number) == between.get(number)
        else:
            touched = {name for name in NAMES if ours[number][name] != row[name]}
            assert {name: after[number][name] for name in touched} == {name: ours[number][name] for name in touched}
            if between[number] != row:  # theirs is never overwritten: both did the same
                assert after[number] == between[number]
    for number, row in wanted:
        assert number or row in after.values()
    theirs_new = {number: row for number, row in between.items() if number not in before}
    assert theirs_new.items() <= after.items()
    # The same once more is nothing, or the addition of what is there.
    again = save(store, SPEC, changes, basis)
    assert (again.refused, after) == (False, now(store))


def taken_up(store: Store, lines: list[str], basis: Basis, refused: Saved) -> None:
    """With their rows in the text every further refusal is about the text itself: nobody else did anything since."""
    rebased = rebase(lines, SPEC, basis.shown, refused.conflicts)
    basis = Basis(rebased.shown, 100)
    changes = compare(parse(rebased.lines, SPEC, basis.shown), SPEC, basis.shown)
    if not changes.faults:
        again = save(store, SPEC, changes, basis)
        rows = {conflict.number for conflict in again.conflicts if not conflict.taken}
        assert rows == set()


def test_many_new_keys_are_looked_up_at_once(store: Store) -> None:
    store.table(SPEC).insert_multiple({"K": str(number), "L": None, "V": "old"} for number in range(1000))
    basis = shown(store)
    lines = ["Row, K, L, V", *(f"{number + 1}, {999 - number}, , old" for number in range(1000))]
    changes = compare(parse(lines, SPEC, basis.shown), SPEC, basis.shown)
    assert str(save(store, SPEC, changes, basis)) == "0 added, 1000 changed, 0 removed"  # a thousand swapped keys
    assert [row["K"] for row in store.table(SPEC)] == [str(999 - number) for number in range(1000)]
    assert store.check() == []
