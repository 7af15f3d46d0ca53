"""The switch of each flow is kept in the store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectctl.flows.states import FlowStates
from connectctl.store.store import Store

NOON, LATER = datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.req("GN-02", "GN-03")
def test_a_flow_is_stopped_until_it_is_started_and_says_since_when(store: Store) -> None:
    states = FlowStates(store)
    assert (states.get("toy.go"), states.all()) == ("stopped", {})
    states.put("toy.go", "started", NOON)
    states.put("toy.go", "started", LATER)
    states.put("toy.other", "stopped", LATER)
    assert (states.get("toy.go"), states.all()) == ("started", {"toy.go": "started", "toy.other": "stopped"})
    assert store.query("SELECT updated_at FROM flow_states ORDER BY flow") == [
        ("2026-11-21T12:00:00.000Z",),
        ("2026-11-22T00:00:00.000Z",),
    ]
    states.put("toy.go", "stopped", LATER)
    assert FlowStates(store).get("toy.go") == "stopped"
