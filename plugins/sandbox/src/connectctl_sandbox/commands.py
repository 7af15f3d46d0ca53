"""`connectctl sandbox`: start the simulated remotes, inject faults, look at their state, select elements."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from typing import Any, cast
from urllib.parse import urlsplit

import click

from connectctl.api import ConfigError, UsageError, profile_paths

from .clock import Clock
from .control_docebo import OPERATIONS, parsed
from .faults import KINDS, REMOTES
from .private import write_private
from .sandbox import Sandbox
from .world import Size

PROFILE = "sandbox"
SWITCHES = ("search_lag", "expire_token")  # not a fault of single requests, but of the remote
UP = "connectctl sandbox up"


@click.group()
def sandbox() -> None:
    """Simulated Docebo, Credly and Accredible on this machine.

    Example: connectctl sandbox up --seed 7
    """


@sandbox.command()
@click.option("--port", type=click.IntRange(1, 65532), help="Docebo's port; the others take the next three.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same world.")
@click.option("--size", type=click.Choice(["small", "large"]), default="small", show_default=True)
def up(port: int | None, seed: int, size: str) -> None:
    """Serve the simulated remotes until interrupted.

    Writes the profile `sandbox`, ready to use with --profile sandbox.

    Example: connectctl sandbox up --size large
    """
    box = Sandbox(seed=seed, size=cast(Size, size), port=port, clock=Clock(time.time(), running=True))
    try:
        box.start()
    except OSError as error:
        raise UsageError(f"port {port} and the three after it are not all free", hint=f"{UP} without --port") from error
    paths = profile_paths(PROFILE)
    address = paths.data_dir / "sandbox.json"
    for name in ("store.db", "store.db-wal", "store.db-shm"):  # a new world: what the last one issued is not in it
        (paths.data_dir / name).unlink(missing_ok=True)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    try:
        write_private(paths.config_file, f"# Written by `{UP}`, and again each time it starts.\n{box.config_toml()}")
        write_private(address, json.dumps({"control": box.control_url, "pid": os.getpid()}))
        click.echo(_welcome(box), err=True)
        stopped.wait()
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    finally:
        address.unlink(missing_ok=True)
        box.stop()


def _welcome(box: Sandbox) -> str:
    return f"""\
Docebo      {box.docebo_url}
Credly      {box.credly_url}  (organization {box.credly.organization_id})
Accredible  {box.accredible_url}
Profile     {PROFILE}, written. Nothing here leaves this machine. Ctrl-C stops it.

In another terminal:
  connectctl --profile {PROFILE} credly sync-templates
  connectctl --profile {PROFILE} credly sync-field
  connectctl sandbox select            select on each course the badge it is meant to earn
  connectctl --profile {PROFILE} credly batch-sync --dry-run
  connectctl sandbox fault lose_answer --remote credly --method POST --times 2
  connectctl sandbox show"""


@sandbox.command()
@click.argument("kind", required=False, type=click.Choice([*KINDS, *SWITCHES]), metavar="[KIND]")
@click.option("--remote", type=click.Choice(REMOTES), help="Only this remote.")
@click.option("--method", help="Only this method, such as POST.")
@click.option("--path", default="", help="Only paths in which this regular expression is found.")
@click.option("--times", type=click.IntRange(1), help="How often at most; unlimited without it.")
@click.option("--probability", type=click.FloatRange(0, 1), default=1.0, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=0), help="For search_lag and slow; 60 and 1 without it.")
@click.option("--clear", is_flag=True, help="Take all faults away first.")
def fault(
    kind: str | None,
    remote: str | None,
    method: str | None,
    path: str,
    times: int | None,
    probability: float,
    seconds: float | None,
    clear: bool,
) -> None:
    """Let something go wrong, or clear all faults.

    Kinds: lose_request, lose_answer, cut_answer, http_429, http_500_before, http_500_after, http_503, html_200,
    success_false, truncated_json, wrong_types, endless_pages, slow; search_lag (Credly's lists show a badge late) and
    expire_token (of --remote).

    Example: connectctl sandbox fault lose_answer --remote credly --method POST --times 2
    """
    if kind is None and not clear:
        raise UsageError("a fault needs a kind", hint="connectctl sandbox fault --help")
    answer: dict[str, Any] = {"faults": []}
    if clear:
        answer = ask("DELETE", "/fault")
    if kind == "search_lag":
        lag = ask("POST", "/lag", {"seconds": 60.0 if seconds is None else seconds})["search_lag"]
        click.echo(f"Credly's lists show a badge {lag:g} s after it was issued.")
        return
    if kind == "expire_token":
        click.echo(f"The token of {ask('POST', '/expire', {'remote': remote})['expired']} has expired.")
        return
    if kind is not None:
        wanted = {"kind": kind, "remote": remote, "method": method, "path": path, "delay": seconds or 1.0}
        answer = ask("POST", "/fault", wanted | {"times": times, "probability": probability})
    for one in answer["faults"]:
        click.echo(describe(one))
    if not answer["faults"]:
        click.echo("No faults.")


@sandbox.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def show(as_json: bool) -> None:
    """What the simulated remotes hold.

    Example: connectctl sandbox show --json
    """
    state = ask("GET", "/state")
    if as_json:
        click.echo(json.dumps(state, indent=2, ensure_ascii=False))
        return
    docebo, credly = state["docebo"], state["credly"]
    click.echo(f"Docebo  {docebo['url']}  {docebo['users']} users, enrollments: {_counts(docebo['enrollments'])}")
    for field in docebo["fields"]:
        click.echo(f"  field {field['id']}  {field['name']}  {field['options']} elements")
    for course in docebo["courses"]:
        click.echo(f"  course {course['id']}  {course['name']}: {course['selected'] or 'nothing selected'}")
    for one in docebo["certifications"]:
        click.echo(f"  certification {one['code']}  {one['title']}: {one['awards']} awards")
    click.echo(f"  {docebo['trainings']} external trainings, {docebo['events']} events")
    click.echo(f"Credly  {credly['url']}  badges: {_counts(credly['badges'])}, {credly['events']} events")
    for template in credly["templates"]:
        click.echo(f"  {template['state']:8}  {template['live_badges']:5} live  {template['name']}")
    accredible = state["accredible"]
    held = f"{accredible['credentials']} credentials in {len(accredible['groups'])} groups"
    click.echo(f"Accredible  {accredible['url']}  {held}, {accredible['credits']} credits")
    click.echo(f"Clock   {state['clock']}")
    for one in state["faults"]:
        click.echo(f"Fault   {describe(one)}")


@sandbox.command()
def select() -> None:
    """Select on each seeded course the badge or credential it is meant to earn.

    The dropdown has to be filled first: connectctl --profile sandbox credly sync-field, or accredible sync-field

    Example: connectctl sandbox select
    """
    selected = ask("POST", "/select", {})["selected"]
    click.echo(f"{len(selected)} courses have their badge selected.")


@sandbox.command()
@click.argument("operation", type=click.Choice(list(OPERATIONS)), metavar="OPERATION")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
def admin(operation: str, values: tuple[str, ...]) -> None:
    """Do in Docebo what only its administrators can.

    Operations: add_certification code= title= [duration=]; award user_id= code= [issued_at=] [expires_at=]
    [always_valid=true]; renew_award award_id=; revoke_award award_id=; add_training user_id= course_name=
    [course_code=]; delete_training training_id=; change_email user_id= email=; reset_completion user_id= course_id=

    Example: connectctl sandbox admin award user_id=4702 code=FIRST-AID
    """
    unnamed = [word for word in values if "=" not in word]
    if unnamed:
        raise UsageError(f"{unnamed[0]} is not NAME=VALUE", hint="connectctl sandbox admin --help")
    record = ask("POST", "/docebo", parsed(operation, values))["record"]
    click.echo(json.dumps(record, ensure_ascii=False))


def ask(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer of the running sandbox's control address."""
    file = profile_paths(PROFILE).data_dir / "sandbox.json"
    try:
        control = urlsplit(json.loads(file.read_text())["control"])
    except FileNotFoundError:
        raise ConfigError("no sandbox is running", hint=UP) from None
    connection = http.client.HTTPConnection(control.hostname or "", control.port, timeout=30)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {} if body is None else {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer: dict[str, Any] = json.load(response)
    except OSError:
        raise ConfigError("the sandbox that was started last runs no more", hint=UP) from None
    finally:
        connection.close()
    if response.status != 200:
        raise UsageError(answer["error"], hint="connectctl sandbox --help")
    return answer


def describe(one: dict[str, Any]) -> str:
    """A fault in one line: what it does, and to which requests."""
    where = " ".join(str(part) for part in (one["remote"], one["method"], one["path"]) if part) or "every request"
    often = f", {one['times']} times" if one["times"] else ""
    chance = f", chance {one['probability']}" if one["probability"] < 1 else ""
    return f"{one['kind']} on {where}{often}{chance}: {KINDS[one['kind']]}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or "none"
