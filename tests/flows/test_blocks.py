"""Parts in several blocks and large parts: one commit of the whole, and little of it in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.flows.conftest import Toy, answers, change, code, issues

from connectctl.errors import AuthFailed, NotFound, Rejected
from connectctl.flows import execution
from connectctl.flows.applier import Applier
from connectctl.flows.cursors import Cursors
from connectctl.model import Cursor, OpenItem, Outcome, Plan


def block(*users: str, position: str | None = None, open: tuple[str, ...] = ()) -> Plan:
    cursor = None if position is None else Cursor("f", position)
    return replace(issues(*users), cursor=cursor, open=tuple(OpenItem(key, {"user": key}) for key in open))


def kept(toy: Toy, part: str = "a") -> tuple[str | None, list[str]]:
    """The part's position, and the keys of what is open."""
    cursors = Cursors(toy.store, "toy.go")
    found = cursors.get(part)
    return found.position if found else None, [item.key for item in cursors.open_items(part)]


@pytest.mark.req("GN-37", "GN-38")
def test_the_blocks_of_a_part_are_committed_together(toy: Toy) -> None:
    toy.blocks = [
        ("a", block("1", "2", open=("x",))),
        ("a", block(open=("y",))),
        ("a", block("3", position="p1", open=("z",))),
        ("b", block(position="q")),
    ]
    toy.answer = answers(Outcome("done", "i"), Rejected("no", status=422), Outcome("done", "i"))
    report = toy.run().report
    assert (report["done"], report["failed"], toy.sent) == ({"issue": 2}, 1, ["1", "2", "3"])
    assert kept(toy) == ("p1", ["toy|t1|2", "x", "y", "z"])
    assert kept(toy, "b") == ("q", [])
    toy.blocks = [("a", block(open=("z",))), ("a", block(position="p2", open=("z", "w")))]
    toy.run()
    assert kept(toy) == ("p2", ["w", "z"])
    toy.blocks = [("a", block()), ("a", block("4"))]
    toy.run()
    assert kept(toy) == ("p2", ["w", "z"]), "no block says how far it is: both stay"
    assert toy.store.query("SELECT COUNT(*) FROM run_items WHERE kind IN ('cursor', 'open')") == [(0,)]


@pytest.mark.req("GN-19", "GN-37")
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_block_that_cannot_be_read_keeps_the_cursor_of_its_part_and_of_no_other(toy: Toy, place: int) -> None:
    toy.blocks = [("a", block(str(number), position=f"p{number}")) for number in range(3)] + [
        ("b", block(position="q"))
    ]
    toy.blocks[place] = ("a", NotFound("no such page"))
    report = toy.run().report
    assert (report["done"], report["failed"]) == ({"issue": 2}, 1)
    assert (kept(toy), kept(toy, "b")) == ((None, []), ("q", []))


@pytest.mark.req("GN-38")
def test_a_run_that_ends_between_two_slices_moves_no_cursor(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "SLICE", 2)
    toy.blocks = [("a", block("1", "2", "3")), ("a", block("4", "5", position="p"))]
    toy.answer = answers(*[Outcome("done", "i")] * 2, AuthFailed("who?"))
    assert code(toy.run().error) == 4
    assert kept(toy) == (None, [])
    assert toy.states() == {"1": ("done", 1), "2": ("done", 1), "3": ("intended", 0), "4": ("intended", 0)}
    toy.answer = answers()
    assert toy.run().report["done"] == {"issue": 3}
    assert kept(toy) == ("p", [])


@pytest.mark.req("GN-38")
def test_no_more_than_a_slice_of_a_part_is_claimed_at_once(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    before = Applier.run_jobs

    def run_jobs(self: Applier, jobs: Any) -> None:
        jobs = list(jobs)
        sizes.append(len(jobs))
        before(self, jobs)

    monkeypatch.setattr(Applier, "run_jobs", run_jobs)
    toy.parts = {"a": issues(*map(str, range(2300))), "b": issues("x")}
    seen = tuple((change(f"s{number}"), Outcome("adopted", "b")) for number in range(1100))
    toy.parts["c"] = Plan(seen=seen)
    report = toy.run(max_changes=5000).report
    assert (sizes, report["done"]) == ([1000, 1000, 300, 1], {"issue": 2301})
    assert toy.store.query("SELECT COUNT(*) FROM ledger WHERE state = 'adopted'") == [(1100,)]


def test_items_of_a_part_are_found_by_an_index(toy: Toy) -> None:
    sql = "SELECT id FROM run_items WHERE run = ? AND part = ? AND kind IN (?) AND id > ? ORDER BY id LIMIT 500"
    (step,) = toy.store.query(f"EXPLAIN QUERY PLAN {sql}", ("r", "p", "change", 0))
    assert "USING INDEX run_items_part (run=? AND part=? AND kind=?" in step[3].replace("COVERING ", "")
