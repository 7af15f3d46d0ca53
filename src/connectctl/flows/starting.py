"""Switching flows on and off: which ones, in which order, and what is refused (CR-04, CR-05, GN-02 to GN-04)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from connectctl.errors import ConfigError, UsageError
from connectctl.flows.states import FlowState, FlowStates
from connectctl.plugins.names import did_you_mean
from connectctl.plugins.specs import FlowSpec
from connectctl.store.retention import FINISHED

if TYPE_CHECKING:
    from connectctl.plugins.manager import Plugins
    from connectctl.store.store import Store

WHOLE = frozenset({"since", "full", "all_history", "reissue"})  # parameters that leave no course or template out


@dataclass(frozen=True, slots=True)
class Switched:
    """What became of one flow. `state` is None for a function: it can be called at any time. `note` says more."""

    spec: FlowSpec
    state: FlowState | None
    note: str = ""


def find(plugins: Plugins, name: str) -> list[FlowSpec]:
    """The flow with this id, or all flows of the plugin with this name in the order they are started in (CR-05).

    Raises UsageError for a name that is neither.
    """
    if name in plugins.flows:
        return [plugins.flow(name)]
    mine = [spec for flow, spec in plugins.flows.items() if plugins.flows.owner(flow) == name]
    if not mine:
        known = {*plugins.flows, *(plugins.flows.owner(flow) for flow in plugins.flows)}
        raise UsageError(f"There is no flow or plugin {name!r}{did_you_mean(name, known)}", hint="connectctl flow list")
    listed = [f"{provider}.{verb}" for provider, spec in plugins.providers.items() for verb in spec.start_order]
    place = {flow: number for number, flow in enumerate(listed)}
    return sorted(mine, key=lambda spec: (bool(spec.after), place.get(spec.name, len(place))))


def start(store: Store, specs: Sequence[FlowSpec], now: datetime, *, force: bool = False) -> list[Switched]:
    """Switches flows on. One that is on stays on; safe to repeat.

    Of several flows only those that are meant to be started are; one by itself, when it is meant to be run by hand,
    raises UsageError unless `force`. What waits for a first batch stays off: `refusal` makes the error of it.
    """
    states, alone = FlowStates(store), len(specs) == 1
    before = states.all()
    switched: list[Switched] = []
    with store.transaction():
        for spec in specs:
            if spec.policy == "function":
                switched.append(Switched(spec, None, "callable"))
                continue
            if before.get(spec.name) == "started":
                switched.append(Switched(spec, "started", "was started already"))
                continue
            if spec.policy == "manual" and not (alone and force):
                if alone:
                    raise UsageError(
                        f"{spec.name} is meant to be run by hand: started, it would run every 5 minutes",
                        hint=f"connectctl flow run {spec.name}; or connectctl flow start {spec.name} --force",
                    )
                switched.append(Switched(spec, "stopped", "to be run by hand"))
                continue
            if spec.by_choice and not alone:
                switched.append(Switched(spec, "stopped", "callable; starts only by its own id"))
                continue
            missing = list(unfinished(store, spec))
            if missing:
                switched.append(Switched(spec, "stopped", "waits for the first " + " and ".join(missing)))
                continue
            states.put(spec.name, "started", now)
            switched.append(Switched(spec, "started"))
    return switched


def refusal(store: Store, specs: Sequence[FlowSpec]) -> ConfigError | None:
    """Why some of these flows could not be started: the batches that come first have not finished (CR-04)."""
    states = FlowStates(store).all()
    waiting = {
        spec.name: missing
        for spec in specs
        if states.get(spec.name) != "started" and (missing := list(unfinished(store, spec)))
    }
    if not waiting:
        return None
    batches = list(dict.fromkeys(batch for missing in waiting.values() for batch in missing))
    return ConfigError(
        f"{' and '.join(waiting)} cannot be started before {' and '.join(batches)} {_have(batches)} finished once",
        hint=f"connectctl flow run {batches[0]}",
    )


def stop(store: Store, specs: Sequence[FlowSpec], now: datetime) -> list[Switched]:
    """Switches flows off; what comes in for them meanwhile is kept. Functions stay callable. Safe to repeat."""
    states = FlowStates(store)
    before = states.all()
    switched: list[Switched] = []
    with store.transaction():
        for spec in specs:
            if spec.policy == "function":
                switched.append(Switched(spec, None, "callable"))
            elif before.get(spec.name) == "started":
                states.put(spec.name, "stopped", now)
                switched.append(Switched(spec, "stopped"))
            else:
                switched.append(Switched(spec, "stopped", "was stopped already"))
    return switched


def is_whole(params: Mapping[str, object]) -> bool:
    """Whether a run with these parameters leaves nothing out."""
    return set(params) <= WHOLE


def unfinished(store: Store, spec: FlowSpec) -> Iterator[str]:
    """The flows that have to come first and have not yet read everything once, with success and for real.

    The first success is a fact of its own: records of runs are forgotten after a while, that is not.
    """
    for flow in spec.after:
        if store.query("SELECT 1 FROM cache WHERE name = ? AND key = ?", (FINISHED, flow)):
            continue
        rows = store.query("SELECT params FROM runs WHERE flow = ? AND status = 'succeeded' AND dry_run = 0", (flow,))
        if not any(is_whole(json.loads(text or "{}")) for (text,) in rows):
            yield flow


def _have(batches: Sequence[str]) -> str:
    return "has" if len(batches) == 1 else "have both" if len(batches) == 2 else "have all"
