"""The object that a run prints (cli.md 4), from its record and its items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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


class Items(Sequence[dict[str, Any]]):
    """The items of a run as cli.md 4 shows them, read from the store page by page whenever somebody asks."""

    def __init__(self, records: RunRecords, run: str, *, skips: bool = False) -> None:
        self._records, self._run = records, run
        self._kinds = ("change", "write", "problem", "skip") if skips else ("change", "write", "problem")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (item_object(item) for item in self._records.items(self._run, kinds=self._kinds))

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
    for item in records.items(run, kinds=("change", "write", "problem")):
        if item.kind != "problem":
            planned[item.action] += 1
        if item.state in GOOD:
            done[item.action] += 1
        failed += item.state in ("failed", "released")
        unsure += item.state == "unsure"
        if item.state in ("foreign", "skipped"):
            taken[item.error if item.state == "skipped" and item.error else "already_assigned"] += 1
    return {"planned": dict(planned), "done": dict(done), "failed": failed, "unsure": unsure, "taken": dict(taken)}


def run_head(record: Mapping[str, Any]) -> dict[str, Any]:
    """A run's facts and sums, without its items. `parent`, `root` and `output` are there when the run has them."""
    summary = record["summary"]
    outputs = [step["output"] for step in summary.get("steps", []) if "output" in step]
    extra = {"parent": record["parent"], "root": record["root"]} if record["parent"] else {}
    extra |= {"output": outputs[-1]} if outputs else {}
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
        **extra,
    }


def run_object(records: RunRecords, record: Mapping[str, Any], *, skips: bool = False) -> dict[str, Any]:
    """The whole object of a recorded run; the same one whenever it is asked for. Its `items` stay in the store.

    `calls` are the runs that it called for, without their items; it is there when there are any.
    """
    called = [records.get(run) for run in record["summary"].get("calls", ())]
    heads = [_called(records, found) for found in called if found is not None]
    shown = run_head(record) | ({"calls": heads} if heads else {})
    return shown | {"items": Items(records, record["id"], skips=skips)}


def _called(records: RunRecords, record: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a run that was called for: its items are shown by its own id."""
    return {name: value for name, value in run_object(records, record).items() if name != "items"}
