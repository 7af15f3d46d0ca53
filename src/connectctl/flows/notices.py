"""The mails of a run: what a plan asks for and what a failed run tells, queued with the commit, sent after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectctl.model import Notice

if TYPE_CHECKING:
    from connectctl.errors import ConnectctlError
    from connectctl.flows.context import Runtime
    from connectctl.model import Clock
    from connectctl.plugins.specs import FlowSpec
    from connectctl.store.store import Store


def notice_to_json(notice: Notice) -> dict[str, Any]:
    """A planned notice as a run item keeps it."""
    return {"integration": notice.integration, "subject": notice.subject, "lines": list(notice.lines)}


def queue_planned(store: Store, data: Mapping[str, Any], now: datetime) -> str | None:
    """Queues a planned notice, in the transaction that commits its part; returns a warning for the run, if any."""
    from connectctl.notify.outbox import queue

    return queue(store, Notice(data["integration"], data["subject"], tuple(data["lines"])), now=now)


def queue_failure(
    store: Store,
    spec: FlowSpec,
    report: Mapping[str, Any],
    now: datetime,
    *,
    params: Mapping[str, Any],
    error: ConnectctlError | None = None,
) -> str | None:
    """Queues the mail about a run that did not succeed (GN-18), in the transaction that closes its record.

    Returns a warning for the run, if any.
    """
    if not spec.integration:
        return None
    from connectctl.notify.digest import of_run
    from connectctl.notify.outbox import queue

    code, hint = (error.exit_code, error.hint) if error is not None else (None, "")
    digest = of_run(spec.integration, report, exit_code=code, hint=hint, params=params)
    return None if digest is None else queue(store, digest.notice, errors=digest.errors, now=now)


def send(runtime: Runtime, spec: FlowSpec, clock: Clock, run: str, alive: Callable[[str], bool]) -> list[str]:
    """Sends what waits for the flow's integration; returns warnings, and never raises."""
    if not spec.integration:
        return []
    from connectctl.notify.outbox import drain

    return drain(runtime.store, runtime.settings, clock, run=run, alive=alive, integration=spec.integration)
