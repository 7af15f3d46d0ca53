"""`connectctl why`: what is behind a credential, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.options import json_option, pass_session

if TYPE_CHECKING:
    from connectctl.cli.session import Session

# What is told of a credential, in this order: the key in JSON and the words for people.
FACTS = (
    ("state", "state"),
    ("remote_id", "id there"),
    ("action", "action"),
    ("email", "sent to"),
    ("origin", "earned by"),
    ("reason", "because"),
    ("version", "version"),
    ("decided_by", "decided by"),
    ("expires_at", "expires"),
    ("flow_title", "recipe"),
    ("run", "run"),
    ("trigger", "started by"),
    ("event", "event"),
    ("updated_at", "when"),
    ("error", "error"),
)


@click.command()
@click.option("--user", required=True, metavar="ID|EMAIL", help="The Docebo user, by id or by e-mail address.")
@click.option("--template", required=True, metavar="ID|NAME", help="The template, by id or by name.")
@click.option("--offline", is_flag=True, help="Ask the store alone, no remote.")
@json_option
@pass_session
def why(session: Session, user: str, template: str, offline: bool, as_json: bool) -> None:
    """Say why somebody has a credential, or has none.

    It names the completion, the mapping row or dropdown element, the settings, the recipe and the run behind a
    credential, and what came of it in Docebo. Where there is none it asks the same plan as the batch sync, for this
    user and template alone, and gives each reason. Nothing is changed.

    Example: connectctl why --user ada@example.org --template "Safety Basics"
    """
    from connectctl.badging.why import explain
    from connectctl.cli.output import emit_json, write
    from connectctl.flows.context import Runtime

    runtime = Runtime(session.plugins, session.settings, session.store, session.paths.data_dir)
    with session.progress("Asking"):
        answers = explain(runtime, user, template, offline=offline)
    if as_json:
        emit_json(answers)
    else:
        write("\n".join(_told(answer) for answer in answers))


def _told(answer: dict[str, Any]) -> str:
    """One answer as people read it."""
    template, person = answer["template"], answer["user"]
    who = " ".join(str(word) for word in (person["name"], person["email"], f"({person['id']})") if word)
    lines = [*_wrapped(f"{template['name'] or template['id']} of {who}, {answer['provider']}", "")]
    lines += _wrapped(answer["because"])
    if answer["credential"]:
        lines += ["", "The credential", *_facts(answer["credential"])]
    for entry in answer["imports"]:
        lines += ["", f"In Docebo: {entry['action']}", *_facts(entry)]
    if answer["origins"]:
        lines += ["", "What may earn it"]
        for one in answer["origins"]:
            name = " ".join(word for word in (one["source"], one["name"]) if word)
            detail = f" ({one['detail']})" if one["detail"] else ""
            lines += _wrapped(f"{name + ': ' if name else ''}{one['sentence']}{detail}")
    lines += ["", "Settings that decide"]
    for name, value in answer["settings"].items():
        lines += _wrapped(f"{name} = {'-' if value in (None, '') else value}")
    if answer["log"]:
        lines += ["", "The ledger's log"]
        for line in answer["log"]:
            lines += _wrapped("  ".join(str(line[key]) for key in ("at", "state", "run", "detail") if line[key]))
    for remark in answer["remarks"]:
        lines += ["", *_wrapped(remark, "")]
    return "\n".join(lines) + "\n"


def _facts(entry: dict[str, Any]) -> list[str]:
    named = entry | {"origin": " ".join(word for word in (entry["origin"], entry["origin_name"]) if word)}
    return [
        line
        for key, label in FACTS
        if named[key] not in (None, "")
        for line in _wrapped(f"{label + ':':<12}{named[key]}")
    ]


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    """Safe text in lines that people can read."""
    import textwrap

    from connectctl.http.redact import clean

    how = textwrap.TextWrapper(
        100, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False, break_long_words=False
    )
    return how.wrap(clean(text, 100_000)) or [""]
