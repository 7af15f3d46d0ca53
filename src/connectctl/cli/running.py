"""How a command runs a flow and prints the run, for `flow run`, `run retry`, `apply` and the plugins' commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connectctl.errors import RunIncomplete

if TYPE_CHECKING:
    from connectctl.cli.output import Progress
    from connectctl.cli.session import Session
    from connectctl.config.settings import Settings
    from connectctl.flows.options import RunResult
    from connectctl.flows.planfile import PlanFile
    from connectctl.model import Notice

FINDINGS = ("kind", "who", "what", "source", "detail", "repair")
COLUMNS = ("outcome", "action", "who", "what", "source", "reason", "error")


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that runs a flow (cli.md 5)."""
    for option in (
        click.option("--skips", is_flag=True, help="Also list what was left out, with the reason."),
        click.option(
            "--plan-out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan."
        ),
        click.option("--max-changes", type=click.IntRange(min=0), metavar="N", help="Refuse a plan with more changes."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--json", "as_json", is_flag=True, help="Print the run as one JSON document."),
        click.option("--dry-run", is_flag=True, help="Read everything, write nothing, show the plan."),
    ):
        command = option(command)
    return command


def run_flow(
    session: Session,
    flow: str,
    params: Mapping[str, Any],
    *,
    dry_run: bool = False,
    as_json: bool = False,
    yes: bool = False,
    max_changes: int | None = None,
    plan_out: Path | None = None,
    skips: bool = False,
    plan: PlanFile | None = None,
    retry: str | None = None,
    trigger: str = "command",
) -> Mapping[str, Any]:
    """Runs a flow, prints the run and returns its report; raises what ended it, or RunIncomplete when items failed."""
    from connectctl.flows.context import Runtime
    from connectctl.flows.options import RunOptions
    from connectctl.flows.runner import execute

    runtime = Runtime(session.plugins, session.settings, session.store, session.paths.data_dir)
    spec = session.plugins.flow(flow)

    def ask(reason: str) -> bool:
        return session.confirm(f"{reason}. Go on?", False)

    with session.progress(spec.title or spec.name) as bar:
        options = RunOptions(
            trigger=trigger,
            dry_run=dry_run,
            yes=yes,
            max_changes=max_changes,
            plan_out=plan_out,
            skips=skips,
            plan=plan,
            retry=retry,
            confirm=ask if session.interactive and not yes else None,
            progress=_Bar(bar),
        )
        result = execute(runtime, spec, params, options)
    show_run(session, result.report, as_json=as_json, ended=result.error is None)
    for called in _called(result):
        if not as_json:  # the object names them; `run show` has the rest
            show_run(session, called.report, as_json=False, ended=called.error is None)
    for one in (result, *_called(result)):
        for notice in one.notices:
            _announce(session, notice)
    for one in (result, *_called(result)):
        _raise(one)
    return result.report


def _called(result: RunResult) -> Iterator[RunResult]:
    """The runs that a run called for, and theirs."""
    for called in result.calls:
        yield called
        yield from _called(called)


def _announce(session: Session, notice: Notice) -> None:
    """What a dry run would have mailed, and to whom."""
    from connectctl.notify.digest import safe
    from connectctl.notify.outbox import receiver_of

    notice = safe(notice)
    receiver, why = receiver_of(session.store, notice.integration)
    session.say(f"Would mail {receiver or f'nobody, because {why}'}: {notice.subject}")
    for line in notice.lines:
        session.say(f"> {line}")


def _raise(result: RunResult) -> None:
    if result.error is not None:
        raise result.error
    report = result.report
    if report["status"] == "failed" and (report["failed"] or report["unsure"]):  # else a run that it called for is
        unsure = f" and {report['unsure']} unsure" if report["unsure"] else ""
        hint = f"connectctl run retry {report['run']}"
        if report["dry_run"] or _is_outdated(report):
            hint = f"connectctl run show {report['run']}"
        raise RunIncomplete(f"The run {report['run']} finished with {report['failed']} failed{unsure}", hint=hint)


def _is_outdated(report: Mapping[str, Any]) -> bool:
    """Whether nothing failed but what a saved plan no longer allows: a retry of that has nothing to do."""
    from connectctl.flows.selection import OUTDATED

    bad = (item for item in report["items"] if item["outcome"] in ("failed", "unsure", "released", None))
    return report["trigger"] == "apply" and all((item["error"] or "").startswith(OUTDATED) for item in bad)


def show_run(session: Session, report: Mapping[str, Any], *, as_json: bool, ended: bool = True) -> None:
    """Prints a run: its object, or its items as rows and its sums in words.

    Of a run that an error ended before it did anything, the error says enough.
    """
    from connectctl.cli.output import emit, emit_json_object

    if as_json:
        lists = {name: report[name] for name in ("findings", "items") if name in report}
        emit_json_object({name: value for name, value in report.items() if name not in lists}, lists)
        return
    if "output" in report:
        _show_output(report["output"])
    for name, columns in (("findings", FINDINGS), ("items", COLUMNS)):
        rows = report.get(name) or ()
        if rows:
            shown: Sequence[str] = columns
            if sys.stdout.isatty():  # scripts get every column; a person is spared the empty ones
                used = {column for line in _lines(session, rows) for column in columns if line.get(column)}
                shown = [column for column in columns if column in used]
            emit(_lines(session, rows), shown)
    for warning in report["warnings"]:
        session.say(f"Warning: {warning}")
    if report["dry_run"] and report["planned"] and report["predicted_calls"]:
        session.say(prediction(session.settings, report["predicted_calls"]))
    if ended or report["done"]:
        session.say(sentence(report))


def _show_output(output: Any) -> None:
    """What a function has answered: a list as rows, anything else as facts."""
    from connectctl.cli.output import emit

    facts: list[dict[str, Any]] = []
    for name, value in output.items() if isinstance(output, dict) else [("output", output)]:
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            emit(value, list(value[0]))
        elif isinstance(value, dict):
            facts += [{"fact": f"{name} {part}", "value": _words(what)} for part, what in value.items()]
        else:
            facts.append({"fact": name, "value": value})
    if facts:
        emit(facts, ("fact", "value"))


def _words(value: Any) -> Any:
    """An object as words, for a cell; anything else as it is."""
    return ", ".join(f"{name} {what}" for name, what in value.items()) if isinstance(value, dict) else value


def _lines(session: Session, items: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Items as people read them: templates by the name that the provider's table gives them."""
    names: dict[str, str] = {}
    for provider in session.plugins.providers.values():
        key, name = (column.name for column in provider.template_table.columns[:2])
        names |= {str(row[key]): str(row[name]) for row in session.store.table(provider.template_table).all()}
    for item in items:
        what = item["template"] or (item["key"] if "table" in item else "")
        label = next((str(value) for column, value in (item.get("row") or {}).items() if column.endswith("Name")), "")
        yield {
            **item,
            "outcome": item.get("outcome") or "planned",
            "who": item["email"] or item["user"],
            "what": label or names.get(what, what),
            "source": item["source"] or item.get("table"),
        }


def sentence(report: Mapping[str, Any]) -> str:
    """What a run comes to, in one line."""
    planned, done, skipped = report["planned"], report["done"], report["skipped"]
    if report["dry_run"]:
        words = [
            "would " + ", ".join(f"{name} {count}" for name, count in planned.items()) if planned else "nothing to do"
        ]
    else:
        words = [", ".join(f"{name} {count}" for name, count in done.items()) or "nothing done"]
        if not planned and report["status"] == "succeeded":
            words = ["answered" if "output" in report else "nothing to do"]
    if report["failed"]:
        words.append(f"{report['failed']} failed")
    if report["unsure"]:
        words.append(f"{report['unsure']} unsure")
    if report.get("findings"):
        words.append(f"{len(report['findings'])} found")
    if skipped:
        words.append("skipped: " + ", ".join(f"{count} {reason}" for reason, count in skipped.items()))
    calls = ", ".join(f"{count} {remote}" for remote, count in report["api_calls"].items())
    if calls:
        words.append(f"calls: {calls}")
    prefix = "Dry run" if report["dry_run"] else "Run"
    return f"{prefix} {report['run']} {report['status']}: " + "; ".join(words)


def prediction(settings: Settings, calls: Mapping[str, int]) -> str:
    """What carrying the plan out will cost, and how long the connections take for that at their rates."""
    from connectctl.http.limits import parse_rate

    seconds, words = 0.0, []
    for kind, count in sorted(calls.items()):
        connection = settings.connection(kind)
        rate = parse_rate(connection.rate)
        needs = count * rate.seconds / rate.count if rate else 0.0
        budget = f" of {connection.per_hour} an hour" if connection.per_hour else ""
        words.append(f"{count} {kind}{budget}")
        if connection.per_hour:
            needs = max(needs, (count - 1) // connection.per_hour * 3600.0)
        seconds += needs  # what is read comes before what is written
    return f"To carry it out: {', '.join(words)} calls, about {duration(seconds)}"


def duration(seconds: float) -> str:
    """Seconds as people say them: 40 s, 12 min, 3 h 20 min."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


class _Bar:
    """The runner's progress on the session's display."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar

    def start(self, label: str, total: int | None) -> None:
        self._bar.done = 0
        self._bar.total = total
        self._bar.label = label

    def advance(self, count: int) -> None:
        self._bar.advance(count)

    def finish(self) -> None:
        """The display closes itself."""
