"""Any sequence of claims, sends, answers, take-overs and kills keeps one live entry per holding, and the right one."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connectctl.flows import proof
from connectctl.flows.entries import MODIFIES, REVOKING
from connectctl.flows.ledger import Ledger
from connectctl.model import Change, Outcome
from connectctl.store import open_store

HOLDINGS = ("toy|t1|1", "toy|t1|2")
RUNS = ("r1", "r2", "r3")
ACTIONS = ("issue", "replace", "update", "revoke", "delete_training")
STATUSES = ("done", "adopted", "foreign", "failed", "unsure", "released")
holdings, runs, actions = st.sampled_from(HOLDINGS), st.sampled_from(RUNS), st.sampled_from(ACTIONS)


class Machine(RuleBasedStateMachine):
    """The ledger beside a model: who is live in each holding, and whom it would give way to."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.store = open_store("sqlite:///store.db", Path(self.folder))
        self.living = set(RUNS)
        self.ledger = Ledger(self.store, self.living.__contains__, lambda: datetime(2026, 11, 21, tzinfo=UTC))
        self.live: dict[str, str] = {}
        self.before: dict[str, str] = {}
        self.changes: dict[str, Change] = {}
        self.open: dict[str, str] = {}  # key of what is pending: its run
        self.state: dict[str, str] = {}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        for holding in HOLDINGS:
            self.claim("r1", holding, "issue", 0, "live")
            self.answer("r1", 0, "done")

    def _keys(self) -> list[str]:
        return sorted(self.changes)

    @rule(
        run=runs,
        holding=holdings,
        action=actions,
        version=st.integers(0, 3),
        after=st.sampled_from(["live", "none", "any"]),
    )
    def claim(self, run: str, holding: str, action: str, version: int, after: str) -> None:
        """A change that follows the live entry, nothing, or some entry or other."""
        live = self.live.get(holding)
        keys = self._keys()
        supersedes = live if after == "live" else keys[version % len(keys)] if after == "any" and keys else None
        change = Change(action, holding, {"n": version}, origin="o", version=str(version), supersedes=supersedes)
        key = change.key(run)
        got = self.ledger.claim(run, "toy.go", [(key, change)])
        state = self.state.get(key, "new")
        free = live in (None, key) or (live == supersedes and self.state[str(live)] in ("done", "adopted", "foreign"))
        mine = state in ("new", "released") or (
            state == "intended" and (self.open[key] == run or self.open[key] not in self.living)
        )
        assert got == ({key} if free and mine else set())
        if got:
            if live not in (None, key):
                self.before[key] = str(live)
            self.live[holding] = key
            self.changes[key], self.open[key], self.state[key] = change, run, "intended"

    @rule(run=runs, place=st.integers(0, 30))
    def send(self, run: str, place: int) -> None:
        key = self._keys()[place % len(self.changes)]
        may = self.open.get(key) == run and self.state[key] in ("intended", "unsure")
        assert (key in self.ledger.mark_sent(run, [key])) == may
        if may:
            self.state[key] = "sent"

    @rule(run=runs, place=st.integers(0, 30), status=st.sampled_from(STATUSES))
    def answer(self, run: str, place: int, status: Any) -> None:
        keys = [key for key in self._keys() if key in self.open] or self._keys()
        key = keys[place % len(keys)]
        change = self.changes[key]
        settled = self.ledger.settle(run, key, Outcome(status, "b1"))
        assert settled == (self.open.get(key) == run)
        if not settled:
            return
        self.state[key] = status
        if status == "unsure":
            return
        del self.open[key]
        old = self.before.pop(key, None)
        undone = status in ("failed", "released") or (status == "foreign" and change.action in MODIFIES)
        if undone or change.action in REVOKING:
            del self.live[change.holding]
        if undone and old is not None:
            self.live[change.holding] = old

    @precondition(lambda self: len(self.living) > 1)
    @rule(run=runs)
    def kill(self, run: str) -> None:
        self.living.discard(run)

    @rule(run=runs)
    def recover(self, run: str) -> None:
        """As a run does at its start: everything that the dead left is taken over; what was not sent is given back."""
        self.living.add(run)
        for entry in self.ledger.pending("toy.go"):
            assert entry.run not in self.living or entry.state == "unsure"
            assert self.ledger.take_over(run, entry.key, flow="toy.go")
            self.open[entry.key] = run
            if entry.state == "intended":
                self.answer(run, [k for k in self._keys() if k in self.open].index(entry.key), "released")

    @rule(place=st.integers(0, 30))
    def forgive(self, place: int) -> None:
        key = self._keys()[place % len(self.changes)]
        self.ledger.forgive([key])
        if self.state[key] == "failed":
            self.state[key] = "released"

    @invariant()
    def the_right_one_is_live(self) -> None:
        found = dict(self.store.query("SELECT holding, key FROM ledger WHERE live = 1"))
        assert found == self.live
        for holding, applied in self.ledger.applied("toy|").items():
            assert applied.live == (holding in self.live)
            assert not applied.live or applied.key == self.live[holding]
            failed = {key for key, state in self.state.items() if state == "failed"}
            assert {key for key in failed if self.changes[key].holding == holding} <= applied.refused
        assert proof.verify(self.store) == []


TestLedger = pytest.mark.req("GN-21")(Machine.TestCase)
TestLedger.settings = settings(
    max_examples=120, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
