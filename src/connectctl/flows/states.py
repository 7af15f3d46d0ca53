"""Which flows are switched on: the state that `flow start` and `flow stop` keep (GN-02, GN-03)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from connectctl.flows.clock import rfc3339

if TYPE_CHECKING:
    from connectctl.store.store import Store

FlowState = Literal["started", "stopped"]


class FlowStates:
    """The table `flow_states`. A flow that nobody has started is stopped."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, flow: str) -> FlowState:
        """The flow's state."""
        return self.all().get(flow, "stopped")

    def put(self, flow: str, state: FlowState, now: datetime) -> None:
        """Sets the flow's state; one that it has already keeps the time since when."""
        if self.all().get(flow) != state:
            put = self._store.engine.upsert("flow_states", ("flow", "state", "updated_at"), ("flow",))
            self._store.execute(put, (flow, state, rfc3339(now)))

    def all(self) -> dict[str, FlowState]:
        """The states of all flows that were ever started or stopped, by flow."""
        return dict(self._store.query("SELECT flow, state FROM flow_states ORDER BY flow"))
