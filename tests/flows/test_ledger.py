"""The ledger: atomic claims, fenced transitions, take-over of the dead, and the proof that nothing was changed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.flows.conftest import change

from connectctl.flows import proof
from connectctl.flows.entries import change_from_json, change_to_json
from connectctl.flows.ledger import Ledger
from connectctl.model import Change, Outcome
from connectctl.store import open_store
from connectctl.store.engine import DuplicateKey
from connectctl.store.store import Store

ADA = change("1")
KEY = ADA.key("")
DONE = Outcome("done", "b1")
DOUBLE = """
INSERT INTO ledger SELECT 'other', holding, flow, run, action, state, live, origin, version, data, remote_id, error,
  attempts, lease_until, sent_at, created_at, updated_at FROM ledger WHERE key = ?
"""
CLAIMER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from connectctl.flows.ledger import Ledger
from connectctl.model import Change
from connectctl.store import open_store
with open_store("sqlite:///store.db", Path(sys.argv[1])) as store:
    ledger = Ledger(store, lambda run: True, lambda: datetime.now(UTC))
    sys.stdin.readline()
    for number in range(60):
        one = Change("issue", f"toy|t1|{number}", origin=sys.argv[2], version="v1")
        if ledger.claim(sys.argv[2], "toy.go", [(one.key(""), one)]):
            print(number)
"""


class Book:
    """A ledger whose living runs and time a test sets."""

    def __init__(self, store: Store) -> None:
        self.living: set[str] = {"r1", "r2"}
        self.time = datetime(2026, 11, 21, tzinfo=UTC)
        self.store = store
        self.ledger = Ledger(store, lambda run: run in self.living, lambda: self.time)

    def seal(self, run: str) -> str:
        return proof.seal(self.store, run, self.time)

    def verify(self) -> list[str]:
        return proof.verify(self.store)

    def claim(self, run: str, *changes: Change) -> set[str]:
        return self.ledger.claim(run, "toy.go", [(one.key(run), one) for one in changes])

    def carry(self, run: str, one: Change, outcome: Outcome) -> str:
        """Claimed, sent, settled."""
        key = one.key(run)
        assert self.claim(run, one) == {key}
        assert self.ledger.mark_sent(run, [key]) == {key: 1}
        assert self.ledger.settle(run, key, outcome)
        return key

    def state(self, key: str = KEY) -> tuple[str, bool, str]:
        entry = self.ledger.get(key)
        assert entry is not None
        return entry.state, entry.live, entry.run


@pytest.fixture
def book(store: Store) -> Book:
    return Book(store)


@pytest.mark.req("GN-21")
def test_two_processes_and_their_claims_never_share_a_holding(store: Store, tmp_path: Path) -> None:
    command = [sys.executable, "-c", CLAIMER, str(tmp_path / "data")]
    running = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("r1", "r2")
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [process.communicate(timeout=60)[0].split() for process in running]
    assert sorted(map(int, won[0] + won[1])) == list(range(60))
    assert store.query("SELECT COUNT(*) FROM ledger WHERE live = 1") == [(60,)]


@pytest.mark.req("GN-21")
def test_threads_never_share_a_holding(book: Book) -> None:
    book.living = {str(number) for number in range(8)}
    start = threading.Barrier(8)

    def claim(number: int) -> int:
        start.wait()
        return sum(len(book.claim(str(number), change(str(user)))) for user in range(20))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 20


@pytest.mark.req("GN-21")
def test_the_store_itself_refuses_a_second_live_entry_of_a_holding(book: Book, store: Store) -> None:
    book.carry("r1", ADA, DONE)
    with pytest.raises(DuplicateKey):
        store.execute(DOUBLE, (KEY,))


@pytest.mark.req("GN-21")
@pytest.mark.parametrize("status", ["done", "adopted", "foreign", "unsure"])
def test_a_taken_holding_is_taken_for_every_origin(book: Book, status: Any) -> None:
    book.carry("r1", ADA, Outcome(status, "b1"))
    assert book.claim("r2", ADA, change("1", origin="course:2"), change("1", version="v2")) == set()


def test_a_refusal_frees_the_holding_but_not_its_key(book: Book) -> None:
    book.carry("r1", ADA, Outcome("failed", error="archived"))
    assert book.claim("r2", ADA) == set()
    newer = change("1", version="v2")
    assert book.claim("r2", newer) == {newer.key("")}


def test_what_was_released_may_be_claimed_by_anybody(book: Book) -> None:
    book.carry("r1", ADA, Outcome("released", error="down"))
    assert book.state() == ("intended", False, "r1")
    assert book.claim("r2", ADA) == {KEY}
    assert book.ledger.mark_sent("r2", [KEY]) == {KEY: 2}


def test_a_change_of_a_table_or_field_keeps_nothing(book: Book) -> None:
    add = Change("add_option", "docebo|f|t1", version=None)
    assert book.state(book.carry("r1", add, DONE))[:2] == ("done", False)
    assert book.claim("r2", add) == {add.key("r2")}


@pytest.mark.req("GN-21")
def test_transitions_are_fenced_by_the_owner_and_by_the_state(book: Book) -> None:
    book.claim("r1", ADA)
    assert book.ledger.mark_sent("r2", [KEY]) == {}
    assert not book.ledger.settle("r2", KEY, DONE)
    assert book.ledger.mark_sent("r1", [KEY]) == {KEY: 1}
    assert book.ledger.mark_sent("r1", [KEY]) == {}  # sent is sent
    assert book.ledger.settle("r1", KEY, DONE)
    assert not book.ledger.settle("r1", KEY, Outcome("failed", error="late"))  # done is never undone
    assert book.state() == ("done", True, "r1")
    assert [line["state"] for line in book.ledger.history(KEY)] == ["intended", "sent", "done"]
    assert book.verify() == []


@pytest.mark.req("GN-21")
def test_a_dead_runs_claim_is_taken_over_a_living_ones_is_not(book: Book) -> None:
    book.claim("r1", ADA)
    book.ledger.mark_sent("r1", [KEY])
    assert book.ledger.pending("toy.go") == []
    assert not book.ledger.take_over("r2", KEY, flow="toy.go")
    book.living = {"r2"}
    assert [entry.key for entry in book.ledger.pending("toy.go")] == [KEY]
    assert book.ledger.take_over("r2", KEY, flow="toy.go")
    assert book.state() == ("sent", True, "r2")
    assert not book.ledger.settle("r1", KEY, DONE)  # should it still breathe, it changes nothing
    assert book.ledger.pending("other.flow") == []
    assert not book.ledger.take_over("r2", "no such key", flow="toy.go")


@pytest.mark.req("GN-21")
def test_of_another_flow_it_lists_the_same_actions_and_never_what_a_living_run_holds(book: Book) -> None:
    gone = Change("revoke", "toy|t1|2", version="v1")
    book.ledger.claim("r1", "toy.narrow", [(KEY, ADA), (gone.key(""), gone)])
    book.ledger.mark_sent("r1", [KEY, gone.key("")])
    for lease_is_over in (False, True):
        book.time += timedelta(hours=lease_is_over)
        assert book.ledger.pending("toy.go", ("toy.narrow",), ("issue", "revoke")) == []
        assert not book.ledger.take_over("r2", KEY, flow="toy.go")
    book.ledger.settle("r1", KEY, Outcome("unsure", error="lost"))  # and may be sent again by its run
    assert book.ledger.pending("toy.go", ("toy.narrow",), ("issue",)) == []
    assert not book.ledger.take_over("r2", KEY, flow="toy.go")
    book.living = {"r2"}
    assert book.ledger.pending("toy.go") == []
    assert [entry.key for entry in book.ledger.pending("toy.go", ("toy.narrow",), ("issue",))] == [KEY]
    assert book.ledger.take_over("r2", KEY, flow="toy.go")
    assert book.state()[2] == "r2"


def test_a_claim_that_never_left_goes_to_the_next_run(book: Book) -> None:
    book.claim("r1", ADA)
    assert book.claim("r2", ADA) == set()
    book.living = {"r2"}
    assert book.claim("r2", ADA) == {KEY}


def test_a_lease_that_is_over_blocks_nobody_even_where_life_cannot_be_told(book: Book) -> None:
    book.claim("r1", ADA)
    book.time += timedelta(minutes=11)
    assert book.claim("r2", ADA) == {KEY}
    assert book.ledger.mark_sent("r1", [KEY]) == {}


@pytest.mark.req("GN-21", "CR-61")
def test_applied_tells_of_each_holding_the_live_entry_else_the_newest(book: Book) -> None:
    book.carry("r1", ADA, Outcome("failed", error="no"))
    book.time += timedelta(seconds=1)
    book.carry("r1", change("1", version="v2"), DONE)
    book.carry("r1", change("2"), Outcome("failed", error="no"))
    book.time += timedelta(seconds=1)
    book.carry("r1", change("2", version="v2"), Outcome("unsure"))
    book.carry("r1", Change("issue", "toy|t10|1", version="v"), DONE)
    known = book.ledger.applied("toy|t1|")
    assert {place: (one.state, one.version, one.live) for place, one in known.items()} == {
        "toy|t1|1": ("done", "v2", True),
        "toy|t1|2": ("unsure", "v2", True),
    }
    assert known["toy|t1|2"].data == {"n": "2"}  # frozen at planning
    assert known["toy|t1|1"].remote_id == "b1"


def test_a_request_sent_again_is_not_taken_from_a_run_that_lives(book: Book) -> None:
    book.claim("r1", ADA)
    book.ledger.mark_sent("r1", [KEY])
    book.ledger.settle("r1", KEY, Outcome("unsure"))
    assert [entry.key for entry in book.ledger.pending("toy.go")] == [KEY]
    book.ledger.mark_sent("r1", [KEY])
    assert not book.ledger.take_over("r2", KEY, flow="toy.go")
    assert book.ledger.pending("toy.go") == []


@pytest.mark.req("CR-67", "GN-21")
@pytest.mark.parametrize("status", ["failed", "released"])
def test_a_vain_attempt_does_not_hide_what_was_revoked(book: Book, status: Any) -> None:
    key = book.carry("r1", ADA, DONE)
    gone = replace(ADA, action="revoke", supersedes=key)
    book.time += timedelta(seconds=1)
    book.carry("r1", gone, DONE)
    book.time += timedelta(seconds=1)
    again = book.carry("r1", replace(ADA, version="v2"), Outcome(status, error="no"))
    (found,) = book.ledger.applied("toy|t1|1").values()
    assert (found.key, found.state, found.live) == (gone.key("r1"), "done", False)
    assert found.refused == ({again} if status == "failed" else set())


def test_record_keeps_what_was_found_and_gives_way_to_what_is_known(book: Book) -> None:
    book.ledger.record("r1", "toy.go", KEY, ADA, Outcome("foreign", "b9"))
    assert book.state() == ("foreign", True, "r1")
    book.ledger.record("r2", "toy.go", KEY, ADA, Outcome("adopted", "b10"))
    assert book.state() == ("foreign", True, "r1")


def test_forgive_lets_only_what_failed_be_claimed_again(book: Book) -> None:
    book.carry("r1", ADA, Outcome("failed", error="archived"))
    other = book.carry("r1", change("2"), DONE)
    book.ledger.forgive([KEY, other, "no such key"])
    assert (book.state()[:2], book.state(other)[:2]) == (("intended", False), ("done", True))
    assert book.claim("r2", ADA) == {KEY}
    assert book.verify() == []


def test_entries_come_newest_first_page_by_page(book: Book) -> None:
    for number in range(1203):
        book.time += timedelta(milliseconds=number % 3)
        book.claim("r1", change(f"{number:04}"))
    found = [entry.change.user for entry in book.ledger.entries()]
    assert len(found) == len(set(found)) == 1203
    assert found[0] == "1202"
    assert [entry.change.user for entry in book.ledger.entries(limit=502)] == found[:502]
    assert list(book.ledger.entries(state="done")) == []


def test_a_change_survives_json_and_keys_of_later_versions() -> None:
    assert change_from_json(change_to_json(ADA) | {"colour": "red"}) == ADA


TAMPERING: list[tuple[str, Callable[[Store], object], str]] = [
    ("a log line", lambda s: s.execute("UPDATE ledger_log SET detail = 'b2' WHERE seq = 3"), "differ from the digest"),
    ("a log line less", lambda s: s.execute("DELETE FROM ledger_log WHERE seq = 2"), "differ from the digest"),
    ("a seal", lambda s: s.execute("UPDATE ledger_seals SET digest = 'x' WHERE run = 'r1'"), "digest that run r1 left"),
    ("a seal less", lambda s: s.execute("DELETE FROM ledger_seals WHERE run = 'r1'"), "does not follow"),
    ("a state", lambda s: s.execute("UPDATE ledger SET state = 'failed', live = 0 WHERE key = ?", (KEY,)), "says fail"),
    ("a remote id", lambda s: s.execute("UPDATE ledger SET remote_id = 'b2' WHERE key = ?", (KEY,)), "says b2"),
    ("a claim", lambda s: s.execute("UPDATE ledger SET live = 0 WHERE key = ?", (KEY,)), "not live"),
    ("an entry less", lambda s: s.execute("DELETE FROM ledger WHERE key = ?", (KEY,)), "is gone"),
    (
        "a doubled holding",
        lambda s: (
            s.execute("DROP INDEX ledger_live"),
            s.execute(DOUBLE, (KEY,)),
        ),
        "2 live entries for the holding toy|t1|1",
    ),
]


@pytest.mark.req("GN-21")
@pytest.mark.parametrize(("tamper", "finding"), [case[1:] for case in TAMPERING], ids=[case[0] for case in TAMPERING])
def test_verify_finds_what_was_changed_behind_its_back(
    book: Book, store: Store, tamper: Callable[[Store], object], finding: str
) -> None:
    for run, user in (("r1", "1"), ("r2", "2"), ("r3", "3")):
        book.carry(run, change(user), DONE)
        assert book.seal(run)
    assert book.verify() == []
    tamper(store)
    assert any(finding in words for words in book.verify()), book.verify()


def test_a_run_that_did_nothing_leaves_no_seal(book: Book, store: Store) -> None:
    digest = (book.carry("r1", ADA, DONE), book.seal("r1"))[1]
    assert book.seal("r2") == digest
    assert store.query("SELECT run FROM ledger_seals") == [("r1",)]


def test_a_settlement_is_one_transaction(book: Book, store: Store) -> None:
    book.claim("r1", ADA)
    store.execute("ALTER TABLE ledger_log RENAME TO hidden")
    with pytest.raises(Exception, match="ledger_log"):
        book.ledger.settle("r1", KEY, DONE)
    assert book.state()[0] == "intended"


def test_a_store_opened_again_says_the_same(book: Book, tmp_path: Path) -> None:
    book.carry("r1", ADA, DONE)
    book.seal("r1")
    with open_store("sqlite:///store.db", tmp_path / "data") as again:
        assert Book(again).verify() == []
        assert Book(again).state() == ("done", True, "r1")


@pytest.mark.req("CR-34", "GN-21")
def test_a_change_that_follows_an_ended_credential_takes_its_holding(book: Book) -> None:
    old = book.carry("r1", ADA, DONE)
    stranger = replace(ADA, version="another completion")
    assert book.claim("r2", stranger) == set(), "a holding is not given away by itself"
    again = replace(ADA, version=f"{ADA.version}/b1", supersedes=old)
    new = book.carry("r2", again, Outcome("done", "b2"))
    assert (book.state(old)[:2], book.state(new)[:2]) == (("done", False), ("done", True))
    assert [line["state"] for line in book.ledger.history(old)] == ["intended", "sent", "done", "ended"]
    assert book.ledger.applied("toy|")[ADA.holding].remote_id == "b2"
    assert book.verify() == []
    book.store.execute("UPDATE ledger SET live = 0 WHERE key = ?", (new,))
    book.store.execute("UPDATE ledger SET live = 1 WHERE key = ?", (old,))
    assert any("its log says ended" in words for words in book.verify())


MODIFYING = ["replace", "update", "update_training", "update_award"]
REMOVING = ["revoke", "expire", "revoke_award", "delete_training"]
NOT_DONE = [Outcome("failed", error="no"), Outcome("released", error="down"), Outcome("foreign", "x")]


def follow(action: str, old: str, version: str = "v2") -> Change:
    return replace(ADA, action=action, version=version, supersedes=old)


@pytest.mark.req("GN-21", "CR-64")
@pytest.mark.parametrize("action", MODIFYING + REMOVING)
def test_a_modification_ends_the_entry_it_modifies_and_keeps_or_frees_the_holding(book: Book, action: str) -> None:
    old = book.carry("r1", ADA, DONE)
    book.time += timedelta(seconds=1)
    one = follow(action, old)
    assert book.claim("r2", one) == {one.key("")}
    assert (book.state(old)[:2], book.state(one.key(""))[:2]) == (("done", False), ("intended", True))
    assert book.verify() == []
    book.ledger.mark_sent("r2", [one.key("")])
    assert book.ledger.settle("r2", one.key(""), Outcome("unsure"))
    assert book.ledger.applied("toy|")[ADA.holding].key == one.key(""), "unsure keeps the claim"
    assert book.ledger.settle("r2", one.key(""), Outcome("done", "b1"))
    assert book.state(one.key(""))[:2] == ("done", action in MODIFYING)
    assert book.state(old)[:2] == ("done", False)
    known = book.ledger.applied_to([ADA.holding])[ADA.holding]
    assert (known.key, known.action, known.live) == (one.key(""), action, action in MODIFYING)
    assert book.verify() == []
    another = change("1", version="v9")
    assert book.claim("r2", another) == (set() if action in MODIFYING else {another.key("")})


@pytest.mark.req("GN-21")
@pytest.mark.parametrize("outcome", NOT_DONE, ids=lambda outcome: outcome.status)
@pytest.mark.parametrize("action", ["replace", "revoke"])
def test_what_did_not_happen_gives_the_holding_back(book: Book, action: str, outcome: Outcome) -> None:
    old = book.carry("r1", ADA, DONE)
    one = follow(action, old)
    book.carry("r2", one, outcome)
    assert book.state(old)[:2] == ("done", True)
    assert [line["state"] for line in book.ledger.history(old)][-2:] == ["ended", "restored"]
    known = book.ledger.applied("toy|")[ADA.holding]
    assert (known.key, known.live) == (old, True)
    assert known.refused == (frozenset() if outcome.status == "released" else {one.key("")})
    assert book.verify() == []
    book.ledger.forgive([one.key("")])
    again = book.claim("r1", one)
    assert again == (set() if outcome.status == "foreign" else {one.key("")})
    assert book.state(old)[1] is not bool(again)
    assert book.verify() == []


@pytest.mark.req("CR-34", "GN-21")
def test_a_reissue_that_fails_gives_the_holding_back_and_one_that_another_issued_does_not(book: Book) -> None:
    old = book.carry("r1", ADA, DONE)
    book.carry("r2", follow("issue", old), Outcome("failed", error="archived"))
    assert book.state(old)[:2] == ("done", True)
    new = book.carry("r2", follow("issue", old, "v3"), Outcome("foreign", "b7"))
    assert (book.state(old)[1], book.state(new)[1]) == (False, True)
    assert book.verify() == []


def test_a_change_that_is_on_its_way_is_not_handed_over(book: Book) -> None:
    for state in ("intended", "sent", "unsure"):
        one = change(state)
        book.claim("r1", one)
        if state != "intended":
            book.ledger.mark_sent("r1", [one.key("")])
        if state == "unsure":
            book.ledger.settle("r1", one.key(""), Outcome("unsure"))
        after = replace(one, action="revoke", version="v2", supersedes=one.key(""))
        assert book.claim("r2", after) == set(), state
        assert book.state(one.key(""))[:2] == (state, True)


def test_only_the_last_of_a_chain_comes_back(book: Book) -> None:
    first = book.carry("r1", ADA, DONE)
    second = book.carry("r1", follow("replace", first), Outcome("done", "b2"))
    book.carry("r1", follow("revoke", second, "v3"), Outcome("failed", error="no"))
    assert (book.state(first)[1], book.state(second)[1]) == (False, True)
    book.carry("r1", follow("revoke", second, "v4"), Outcome("done", "b2"))
    assert (book.state(first)[1], book.state(second)[1]) == (False, False)
    new = book.carry("r1", change("1", version="v5"), Outcome("failed", error="no"))
    assert [book.state(key)[1] for key in (first, second, new)] == [False, False, False]
    assert book.verify() == []


def test_what_was_released_is_neither_sent_nor_settled_by_a_run_that_comes_late(book: Book) -> None:
    old = book.carry("r1", ADA, DONE)
    new = book.carry("r2", follow("replace", old), Outcome("released", error="down"))
    assert book.ledger.mark_sent("r2", [new]) == {}
    assert not book.ledger.settle("r2", new, DONE)
    assert (book.state(old)[:2], book.state(new)[:2]) == (("done", True), ("intended", False))


@pytest.mark.req("GN-21")
def test_verify_finds_a_live_entry_that_was_followed_and_a_dead_one_that_was_restored(book: Book, store: Store) -> None:
    old = book.carry("r1", ADA, DONE)
    new = book.carry("r1", follow("revoke", old), DONE)
    store.execute("UPDATE ledger SET live = 1 WHERE key = ?", (old,))
    assert any("its log says ended" in words for words in book.verify())
    store.execute("UPDATE ledger SET live = 0 WHERE key = ?", (old,))
    assert book.verify() == []
    other = book.carry("r1", change("2"), DONE)
    book.carry("r1", replace(change("2"), action="revoke", supersedes=other), Outcome("failed", error="no"))
    assert book.verify() == []
    store.execute("UPDATE ledger SET live = 0 WHERE key = ?", (other,))
    assert book.verify() == [f"the entry {other} is done and yet not live"]
    store.execute("UPDATE ledger SET live = 1 WHERE key IN (?, ?)", (other, new))
    assert any("its log says" in words or "and yet live" in words for words in book.verify())


def test_holdings_and_remote_ids_are_looked_up_in_thousands(book: Book) -> None:
    for user in range(3):
        book.carry("r1", change(str(user)), Outcome("done", f"b{user}"))
    book.carry("r1", change("3"), Outcome("foreign", "b3"))
    places = [change(str(user)).holding for user in range(1200)]
    assert set(book.ledger.applied_to(places)) == set(places[:4])
    assert book.ledger.applied_to([]) == {}
    assert set(book.ledger.applied_to(iter(["toy|t1|1", "toy|t1"]))) == {"toy|t1|1"}, "whole holdings, no prefixes"
    ids = [f"b{number}" for number in range(1200)]
    assert book.ledger.made(ids, "") == {f"b{user}": places[user] for user in range(3)}
    assert book.ledger.made(ids, "toy|t1|2") == {"b2": places[2]}
    assert book.ledger.made(ids, "other|") == {}
    gone = replace(change("1"), action="revoke", version="v2", supersedes=change("1").key(""))
    book.carry("r1", gone, Outcome("done", "b1"))
    assert book.ledger.made(["b1"], "") == {"b1": places[1]}, "ours at any time"


def test_the_look_ups_go_by_an_index(store: Store) -> None:
    asked: list[tuple[str, Any]] = []
    ledger = Ledger(_Listening(store, asked), lambda run: True, lambda: datetime(2026, 11, 21, tzinfo=UTC))  # type: ignore[arg-type]
    ledger.made(["b1"], "")
    ledger.applied_to(["h"])
    ledger.revocations()
    assert len(asked) == 4
    for sql, params in asked:
        steps = [str(row[3]) for row in store.query(f"EXPLAIN QUERY PLAN {sql}", params)]
        assert any(" INDEX " in step for step in steps), (sql, steps)
        assert not any(step.startswith("SCAN") for step in steps), (sql, steps)


class _Listening:
    """A store that notes what it is asked."""

    def __init__(self, store: Store, asked: list[tuple[str, Any]]) -> None:
        self._store, self._asked = store, asked

    def query(self, sql: str, params: Any = ()) -> Any:
        self._asked.append((sql, params))
        return self._store.query(sql, params)


@pytest.mark.req("GN-34")
def test_revocations_of_the_last_hour_are_counted_whoever_sent_them(book: Book) -> None:
    def revoke(number: int, outcome: Outcome | None, action: str = "revoke") -> None:
        one = Change(action, f"toy|t9|{number}", version="v")
        assert book.claim("r1", one)
        if outcome is not None:
            book.ledger.mark_sent("r1", [one.key("")])
            book.ledger.settle("r1", one.key(""), outcome)

    for number, action in enumerate(REMOVING):
        revoke(number, DONE, action)
    revoke(10, Outcome("unsure"))
    revoke(11, Outcome("failed", error="no"))
    revoke(12, Outcome("released", error="down"))
    revoke(13, DONE, "issue")
    revoke(14, None)  # claimed, about to leave
    assert book.ledger.revocations() == 6
    book.time += timedelta(minutes=59)
    assert book.ledger.revocations() == 5, "the claim's lease is over"
    book.time += timedelta(minutes=1)
    assert book.ledger.revocations() == 0
