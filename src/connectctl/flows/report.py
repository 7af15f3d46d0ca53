"""The object that a run prints (cli.md 4), from its record and its items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from connectctl.flows.runs import Item, RunRecords

GOOD = ("done", "adopted")
# Skips that are the normal state of things: counted, and kept item by item only when --skips asks for them.
QUIET = frozenset({"already_assigned", "unchanged", "before_start_date", "not_completed", "no_value_selected"})


_OUTCOMES = {"planned": None, "released": "failed"}  # released: the remote was down, nothing is claimed


def item_object(item: Item) -> dict[str, Any]:
    """One item as cli.md 4 shows it. `outcome` is null where a dry run only planned it."""
    data = item.data
    result: dict[str, Any] = {
        "action": item.action,
        "key": item.key,
        "user": data.get("user"),
        "email": data.get("email"),
        "template": data.get("template"),
        "source": data.get("source"),
        "reason": data.get("reason") or None,
        "outcome": _OUTCOMES.get(item.state, item.state),
        "remote_id": item.remote_id,
        "error": item.error,
    }
    if item.kind == "problem":
        result["error"] = data.get("error")
        result["action"] = None if item.action == "read" else item.action  # nothing was planned for what is unread
    if item.kind == "write":
        result["table"] = data.get("table")
        result["row"] = data.get("row")
    elif item.kind == "skip":
        result |= {"action": "skip", "outcome": "skipped", "reason": item.state, "detail": data.get("detail") or None}
    return result


def finding_object(item: Item) -> dict[str, Any]:
    """One finding of a comparison: how two sides differ, and the action of the change that would mend it."""
    names = ("kind", "key", "detail", "user", "email", "template", "source", "remote_id", "repair")
    return {name: item.data.get(name) for name in names}


CHANGED = ("change", "write", "problem")


class Items(Sequence[dict[str, Any]]):
    """Items of a run as `shown` makes them, read from the store page by page whenever somebody asks."""

    def __init__(
        self, records: RunRecords, run: str, kinds: tuple[str, ...], shown: Callable[[Item], dict[str, Any]]
    ) -> None:
        self._records, self._run, self._kinds, self._shown = records, run, kinds, shown

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self._shown, self._records.items(self._run, kinds=self._kinds))

    def __len__(self) -> int:
        return self._records.count(self._run, self._kinds)

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return list(self)[place]


def summarise(records: RunRecords, run: str) -> dict[str, Any]:
    """The counts of a run: planned, done, failed, unsure, and `taken`: by reason, what others had already."""
    planned: Counter[str] = Counter()
    done: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    failed = unsure = 0
    for kind, action, state, why, count in records.sums(run, CHANGED):
        if kind != "problem":
            planned[action] += count
        if state in GOOD:
            done[action] += count
        failed += count * (state in ("failed", "released"))
        unsure += count * (state == "unsure")
        if state in ("foreign", "skipped"):
            taken[why or "already_assigned"] += count
    return {"planned": dict(planned), "done": dict(done), "failed": failed, "unsure": unsure, "taken": dict(taken)}


def run_head(record: Mapping[str, Any]) -> dict[str, Any]:
    """A run's facts and sums, without its items."""
    summary = record["summary"]
    return {
        "run": record["id"],
        "flow": record["flow"],
        "title": record["title"],
        "status": record["status"],
        "trigger": record["trigger"],
        "dry_run": record["dry_run"],
        "started_at": record["started_at"],
        "finished_at": record["finished_at"],
        "planned": summary.get("planned", {}),
        "done": summary.get("done", {}),
        "skipped": summary.get("skipped", {}),
        "failed": summary.get("failed", 0),
        "unsure": summary.get("unsure", 0),
        "api_calls": summary.get("api_calls", {}),
        "predicted_calls": summary.get("predicted_calls", {}),
        "warnings": summary.get("warnings", []),
        "error": record["error"],
    }


def run_object(records: RunRecords, record: Mapping[str, Any], *, skips: bool = False) -> dict[str, Any]:
    """The whole object of a recorded run; the same one whenever it is asked for. Its `items` stay in the store.

    `findings` are there where a comparison found any.
    """
    run = record["id"]
    found = {"findings": Items(records, run, ("finding",), finding_object)} if records.count(run, ("finding",)) else {}
    return (
        run_head(record) | {"items": Items(records, run, (*CHANGED, "skip") if skips else CHANGED, item_object)} | found
    )


def run_detail(record: Mapping[str, Any]) -> dict[str, Any]:
    """How a run came about and went (GN-05): trigger data, the runs that called it, and its steps in order."""
    return {
        "params": record["params"],
        "parent": record["parent"],
        "root": record["root"] or record["id"],
        "steps": record["summary"].get("steps", []),
    }
