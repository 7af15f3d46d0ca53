"""The batch of a badge provider as a command, in one direction or both."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.options import pass_session
from connectctl.cli.running import run_flow, run_options
from connectctl.errors import ConnectctlError, Interrupted, UsageError

if TYPE_CHECKING:
    from connectctl.cli.session import Session
    from connectctl.plugins.specs import ProviderSpec

FLOWS = {"outwards": "batch-sync", "inwards": "batch-sync-inwards"}
ONLY = {"course": "outwards", "plan": "outwards", "reissue": "outwards", "badge": "inwards"}


def batch_sync_command(spec: ProviderSpec) -> click.Command:
    """`batch-sync` of one provider."""
    name, noun = spec.name, spec.noun

    @click.command(
        "batch-sync",
        help=f"""Issue {spec.title} credentials for what was completed in Docebo, import those that were not, or both.

        Outwards, the default, what was completed in Docebo earns {spec.title} credentials. Inwards, credentials from
        elsewhere become external training and certification awards in Docebo. It reads what is new since its last run,
        once a week everything from the start date on, and sends nothing twice: run it as often as you like.

        Example: connectctl {name} batch-sync --dry-run

        Example: connectctl {name} batch-sync --course 88 --since 2026-06-01

        Example: connectctl {name} batch-sync --reissue expired --dry-run

        Example: connectctl {name} batch-sync --direction both""",
        short_help="Issue what was earned in Docebo; import what was earned elsewhere",
    )
    @click.option(
        "--direction",
        type=click.Choice(["outwards", "inwards", "both"]),
        default="outwards",
        help=f"From Docebo (the default), from {spec.title}, or both, outwards first.",
    )
    @click.option("--since", metavar="DATE", help="Completed or issued on or after this day, not the start date.")
    @click.option("--course", multiple=True, metavar="ID", help="Only this course; repeatable; outwards.")
    @click.option("--plan", multiple=True, metavar="ID", help="Only this learning plan; repeatable; outwards.")
    @click.option("--certification", multiple=True, metavar="CODE", help="Only this certification; repeatable.")
    @click.option("--template", multiple=True, metavar="ID", help=f"Only this {noun}; repeatable.")
    @click.option("--user", multiple=True, metavar="ID", help="Only this Docebo user; repeatable.")
    @click.option("--badge", multiple=True, metavar="ID", help="Only this credential; repeatable; inwards.")
    @click.option("--full", is_flag=True, help="Trust nothing remembered: read everything since the start date.")
    @click.option("--all-history", is_flag=True, help="No start date at all; needs --max-changes N.")
    @click.option(
        "--reissue",
        multiple=True,
        type=click.Choice(["expired", "revoked", "rejected"]),
        help="Also issue again where the learner's last one has ended so; repeatable; outwards.",
    )
    @run_options
    @pass_session
    def batch_sync(session: Session, /, direction: str, **options: Any) -> None:
        names = (
            "since",
            "course",
            "plan",
            "certification",
            "template",
            "user",
            "badge",
            "full",
            "all_history",
            "reissue",
        )
        given = {key: value for key in names if (value := options.pop(key)) not in (None, False, ())}
        params = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
        for key, fits in ONLY.items():
            if key in params and direction != fits:
                raise UsageError(
                    f"--{key} goes with --direction {fits} alone",
                    hint=f"connectctl {name} batch-sync --direction {fits} --{key} {params[key][0]}",
                )
        if direction == "both":
            _both(session, name, params, options)
        else:
            run_flow(session, f"{name}.{FLOWS[direction]}", params, **options)

    return batch_sync


def _both(session: Session, name: str, params: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """One run after the other, whatever became of the first; raises the worse of what ended them."""
    if options.get("plan_out") is not None:
        raise UsageError(
            "--plan-out takes the plan of one direction",
            hint=f"connectctl {name} batch-sync --direction inwards --plan-out FILE",
        )
    errors: list[ConnectctlError] = []
    with _array() if options["as_json"] else contextlib.nullcontext():
        for direction, verb in FLOWS.items():
            if not options["as_json"]:  # each object names its flow
                session.say(f"{direction.capitalize()}, {session.plugins.flow(f'{name}.{verb}').title}:")
            try:
                run_flow(session, f"{name}.{verb}", params, **options)
            except Interrupted:
                raise
            except ConnectctlError as error:
                errors.append(error)
    if errors:
        errors.sort(key=lambda error: error.exit_code)
        for other in errors[:-1]:
            session.say(f"{other.message}; the other direction:")
        raise errors[-1]


@contextlib.contextmanager
def _array() -> Iterator[None]:
    """Whatever JSON documents are printed meanwhile become the elements of one array."""
    out = _Array(sys.stdout)
    try:
        with contextlib.redirect_stdout(out):
            yield
    finally:
        out.end()


class _Array(io.TextIOBase):
    """Passes text on, with a comma between what ends one object and begins the next."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._before = "["

    def isatty(self) -> bool:
        return bool(self._inner.isatty())

    def write(self, text: str) -> int:
        if text.startswith("{"):  # the first piece of a document; those inside are indented
            self._send(self._before)
            self._before = ","
        self._send(text)
        return len(text)

    def end(self) -> None:
        """Closes the array."""
        self._send("]\n" if self._before == "," else "[]\n")

    def _send(self, text: str) -> None:
        from connectctl.cli.output import write

        with contextlib.redirect_stdout(self._inner):
            write(text)
