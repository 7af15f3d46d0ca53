"""Which planned changes a run carries out: all, those of a saved plan (GN-40), or those of `run retry`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectctl.errors import UsageError
from connectctl.flows import planfile
from connectctl.model import Change, RowWrite, Skip

if TYPE_CHECKING:
    from connectctl.flows.runs import RunRecords

FROZEN = frozenset({"expires_at"})  # computed from the day of the plan; the saved value is the one that counts (CR-61)

OUTDATED = "the world has changed since the plan was made"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a freshly planned change: carried out as `change`, left alone, or refused with the reason."""

    change: Change
    wanted: bool = True
    refusal: str = ""


@dataclass(slots=True)
class Selection:
    """`saved`: the reviewed changes by identity. `holdings` and `sources`: what a retry asks for.

    A retry of something that could not be read asks for all that its source may give; without a source, for all.
    """

    saved: Mapping[str, Change] | None = None
    holdings: frozenset[str] = frozenset()
    sources: frozenset[str | None] = frozenset()
    rows: frozenset[str] = frozenset()
    retry: bool = False
    forgiven: tuple[str, ...] = ()
    _met: set[str] = field(default_factory=set)
    _reasons: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: planfile.PlanFile | None, retry: str | None, records: RunRecords) -> Selection:
        """The selection of a plan file, of a run to retry, or everything."""
        if plan is not None:
            return cls(saved={planfile.identity(change): change for change in plan.changes}, rows=plan.writes)
        if retry is None:
            return cls()
        if records.get(retry) is None:
            raise UsageError(f"There is no run {retry}", hint="connectctl run list")
        open_items = [
            item
            for item in records.items(retry, kinds=("change",))
            if item.state in ("failed", "unsure", "released", "planned")
        ]
        unread = (item for item in records.items(retry, kinds=("problem",)) if item.action == "read")
        return cls(
            sources=frozenset(item.data.get("source") for item in unread),
            holdings=frozenset(str(item.data["holding"]) for item in open_items),
            retry=True,
            forgiven=tuple(item.key for item in open_items if item.state == "failed"),
        )

    @property
    def everything(self) -> bool:
        """Whether all that is planned is wanted."""
        return self.saved is None and not self.retry

    def wants(self, write: RowWrite) -> bool:
        """Whether a row is to be written: those of a saved plan, and none for a retry, whose rows were written."""
        if self.saved is not None:
            return planfile.row_identity(write.action, write.table, write.key, write.row) in self.rows
        return not self.retry or None in self.sources

    def judge(self, change: Change) -> Verdict:
        """Decides about one planned change."""
        if self.retry:
            asked = change.holding in self.holdings or change.source in self.sources or None in self.sources
            return Verdict(change, wanted=asked)
        if self.saved is None:
            return Verdict(change)
        saved = self.saved.get(planfile.identity(change))
        if saved is None:
            return Verdict(change, wanted=False)
        self._met.add(planfile.identity(change))
        if _essence(saved) != _essence(change):
            return Verdict(saved, refusal=f"{OUTDATED}: its data differ now")
        return Verdict(saved)

    def note(self, skip: Skip) -> None:
        """Remembers why a holding was left out, to explain a saved change that is no longer planned."""
        if self.saved is not None:
            self._reasons[skip.key] = skip.reason

    def missing(self, taken: Callable[[str], bool]) -> list[tuple[Change, str]]:
        """Saved changes that are no longer planned, with the reason; `taken` says whether a holding was planned for."""
        return [
            (
                change,
                f"{OUTDATED}: {self._reasons.get(change.holding, 'not due now')}",
            )
            for key, change in (self.saved or {}).items()
            if key not in self._met and not taken(change.holding)
        ]


def _essence(change: Change) -> tuple[Any, ...]:
    """What must not differ. An expiry that is a moment may: only its day was computed. What else stands there may not,
    and neither may that of a change whose version names it, because it was not computed (CR-36, CR-41).
    """
    data = dict(change.data)
    for name in FROZEN & data.keys():
        if _is_moment(data[name]) and str(data[name]) not in str(change.version):
            del data[name]
    return (change.email, change.template, change.user, change.supersedes, data)


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
