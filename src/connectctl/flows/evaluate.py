"""What a flow would plan now, asked without a run: nothing is recorded, nothing is kept, nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectctl.errors import BadAnswer, DataError, NotAllowed, NotFound
from connectctl.flows.clock import RunClock
from connectctl.flows.context import Context, Runtime
from connectctl.flows.ledger import Ledger
from connectctl.flows.locks import Locks
from connectctl.model import Part, Plan, Problem
from connectctl.plugins.specs import FlowSpec

ASKING = "asking"  # stands where a run's id would


def evaluate(
    runtime: Runtime, spec: FlowSpec, params: Mapping[str, Any], clock: RunClock | None = None
) -> Iterator[tuple[Part, Plan]]:
    """The parts of a flow with their plans, read from the start date on whatever earlier runs have read.

    Raises what the flow's `prepare` raises; a part that cannot be read is a plan with a problem.
    """
    clock, resolve = clock or RunClock(), runtime.plugins.resolve
    ledger = Ledger(runtime.store, Locks.of(runtime.store, runtime.data_dir).alive, clock.now)
    ctx = Context(runtime, spec, ASKING, clock.now(), params, clock, ledger, remembering=False)
    try:
        if spec.prepare is not None:
            ctx.shared = resolve(spec.prepare)(ctx)
        parts: Iterable[Part] = resolve(spec.parts)(ctx) if spec.parts is not None else (Part("all"),)
        for part in parts:
            try:
                plan: Plan = resolve(spec.plan)(resolve(spec.read)(ctx, part))
            except (NotFound, NotAllowed, BadAnswer, DataError) as error:
                plan = Plan(problems=(Problem(part.id, error.message, part.id),))
            yield part, plan
    finally:
        ctx.close()
