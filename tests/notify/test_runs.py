"""Mails of runs: the real runner with a toy flow, then the whole product against the sandbox."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.flows.conftest import Toy, answers, change, dump, issues
from tests.notify.conftest import PASSWORD, USER, Post
from tests.worlds import World, kill, make_world

from connectctl.errors import AuthFailed, Interrupted, RemoteDown, UsageError
from connectctl.flows.runs import RunRecords
from connectctl.model import Notice, Outcome, Plan, RowWrite
from connectctl.notify import outbox
from connectctl.plugins.core import INTEGRATION_SETTINGS
from connectctl.store import open_store
from connectctl.store.store import Store
from connectctl_sandbox import Fault, Sandbox

Start = Callable[..., Post]
TABLE = INTEGRATION_SETTINGS.name
GONE = Notice("TOY", "one template is gone", ("t1 Welder",))


def smtp(post: Post) -> str:
    return f'[connections.smtp]\nurl = "{post.url()}"\nsender = "connectctl@acme.example"\n'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store("sqlite:///store.db", tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def post(start: Start) -> Post:
    return start()


@pytest.fixture
def toy(store: Store, tmp_path: Path, post: Post) -> Toy:
    """The toy of the flows' tests, as part of the integration TOY, which has an administrator."""
    store.table(INTEGRATION_SETTINGS).put_row(("TOY", outbox.RECEIVER), {"Value": "ada@acme.example"})
    made = Toy(tmp_path / "data", store, limits=smtp(post))
    made.spec = {"integration": "TOY"}
    return made


def writes(*notices: Notice) -> Plan:
    row = RowWrite("add_row", TABLE, ("TOY", "K"), {"Integration": "TOY", "Key": "K", "Value": "v"})
    return Plan(writes=(row,), notices=notices)


@pytest.mark.req("GN-18")
def test_a_failed_item_is_mailed_with_the_command_that_tries_it_again(toy: Toy, post: Post) -> None:
    toy.parts = {"a": Plan(changes=(change("1", email="ada@x.example"), change("2")))}
    toy.answer = answers(Outcome("failed", error="no such badge"))
    report = toy.run().report
    (mail,) = post.mails
    text = mail.get_content()
    assert post.receivers == ["ada@acme.example"]
    for words in (report["run"], "Toy - Go", "ada@x.example", "no such badge", f"connectctl run retry {report['run']}"):
        assert words in text
    assert (report["status"], report["warnings"]) == ("failed", [])


@pytest.mark.req("GN-18")
@pytest.mark.parametrize(
    ("error", "mails"),
    [(RemoteDown("down"), 1), (AuthFailed("who?"), 1), (UsageError("typo"), 0), (Interrupted("x"), 0)],
)
def test_a_run_that_ended_early_is_mailed_where_somebody_must_act(
    toy: Toy, post: Post, error: Exception, mails: int
) -> None:
    toy.parts = {"a": error}
    assert toy.run().report["status"] == "aborted"
    assert len(post.mails) == mails


def test_a_bug_is_mailed_too(toy: Toy, post: Post) -> None:
    toy.parts = {"a": ZeroDivisionError("a bug")}
    with pytest.raises(ZeroDivisionError):
        toy.run()
    assert "a fault in connectctl or in a plugin" in " ".join(post.mails[0].get_content().split())


@pytest.mark.req("GN-18")
def test_a_refused_plan_is_mailed_unless_a_person_was_asked(toy: Toy, post: Post) -> None:
    toy.parts = {"a": issues("1", "2")}
    assert toy.run(max_changes=1, confirm=lambda _: False).report["status"] == "refused"
    assert post.mails == []
    assert toy.run(max_changes=1).report["status"] == "refused"
    text = " ".join(post.mails[0].get_content().split())
    assert "more than max_changes = 1" in text
    assert "--max-changes 2" in text


def test_a_run_that_succeeds_and_one_of_no_integration_mail_nothing(toy: Toy, post: Post, store: Store) -> None:
    toy.parts = {"a": issues("1")}
    before = set(dump(store))
    assert toy.run().report["status"] == "succeeded"
    toy.spec = {"integration": ""}
    toy.parts = {"a": RemoteDown("down")}
    assert toy.run().report["warnings"] == []
    assert (post.mails, set(dump(store))) == ([], before)


@pytest.mark.req("CR-22")
def test_notices_of_the_plan_go_out_with_the_commit(toy: Toy, post: Post) -> None:
    toy.parts = {"a": writes(GONE)}
    report = toy.run().report
    assert (report["status"], report["done"]) == ("succeeded", {"add_row": 1})
    assert [item["action"] for item in report["items"]] == ["add_row"]
    assert ["one template is gone" in mail["Subject"] for mail in post.mails] == [True]
    assert "t1 Welder" in post.mails[0].get_content()


@pytest.mark.req("GN-22", "CR-22")
def test_a_dry_run_tells_what_it_would_mail_and_mails_nothing(toy: Toy, post: Post, store: Store) -> None:
    toy.parts = {"a": writes(GONE), "b": issues("1"), "c": Plan()}
    before = dump(store, "runs", "run_items", "sqlite_sequence")
    result = toy.run(dry_run=True)
    assert result.notices == (GONE,)
    assert dump(store, "runs", "run_items", "sqlite_sequence") == before
    toy.parts = {"a": RemoteDown("down")}
    assert toy.run(dry_run=True).report["status"] == "aborted"
    assert post.mails == []


@pytest.mark.req("GN-22")
def test_a_dry_run_sends_nothing_that_waits_either(toy: Toy, post: Post, store: Store) -> None:
    toy.parts = {"a": writes(GONE)}
    post.rcpt = ["450 later"]
    toy.run()
    store.documents(outbox.TABLE).update({"tried_at": None})
    assert toy.run(dry_run=True).report["warnings"] == []
    assert post.mails == []
    assert toy.run().report["warnings"] == []
    assert len(post.mails) == 1


def test_a_refused_plan_queues_none_of_its_notices(toy: Toy, post: Post, store: Store) -> None:
    toy.parts = {"a": writes(GONE)}
    toy.run(max_changes=0, confirm=lambda _: False)
    assert post.mails == []


def test_a_retry_of_something_else_tells_nothing_again(toy: Toy, post: Post) -> None:
    toy.parts = {"a": writes(GONE), "b": issues("1")}
    toy.answer = answers(Outcome("failed", error="no"))
    report = toy.run().report
    assert len(post.mails) == 2
    toy.parts["a"] = writes(Notice("TOY", "another is gone"))
    assert toy.run(retry=report["run"]).report["done"] == {"issue": 1}
    assert len(post.mails) == 2


@pytest.mark.req("CR-22")
@pytest.mark.parametrize("fault", ["receiver", "server", "refused"])
def test_a_mail_that_cannot_be_sent_changes_nothing_but_the_warnings(
    toy: Toy, post: Post, store: Store, fault: str
) -> None:
    toy.parts = {"a": writes(GONE)}
    if fault == "receiver":
        store.table(INTEGRATION_SETTINGS).put_row(("TOY", outbox.RECEIVER), {"Value": None})
    elif fault == "server":
        toy.limits = ""
    else:
        post.rcpt = ["550 nobody of that name"]
    result = toy.run()
    assert (result.error, result.report["status"], len(result.report["warnings"])) == (None, "succeeded", 1)
    record = RunRecords(store).get(result.report["run"])
    assert record is not None
    assert record["summary"]["warnings"] == result.report["warnings"]


# -- the whole product ------------------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(seed=1) as box:
        made = make_world(box, tmp_path / "home")
        made.run("lookup", "set", "integration-settings", "CREDLY", outbox.RECEIVER, "Value=ada@acme.example")
        yield made


def through(world: World, url: str, password: str = "") -> None:
    """Points the world's connection smtp at a server."""
    fields = {"url": url, "sender": "connectctl@acme.example"} | ({"password": password} if password else {})
    world.run("connection", "remove", "smtp")
    config = world.home / "config.toml"
    lines = "\n".join(f'{name} = "{value}"' for name, value in fields.items())
    text = config.read_text().replace("[connections.smtp]\n", "")
    config.write_text(f"{text}\n[connections.smtp]\n{lines}\n")


@pytest.mark.req("GN-18", "CR-07")
def test_a_sync_with_a_failing_item_is_mailed_over_tls(world: World, start: Start) -> None:
    post = start(security="tls", sign_in=True)
    through(world, post.url(scheme="smtps", user=USER), PASSWORD)
    code, out, err = world.run("connection", "test", "smtp")
    assert (code, f"signed in as {USER}" in out, PASSWORD in out + err) == (0, True, False)
    assert post.mails == []
    course = world.report("credly", "batch-sync", "--dry-run")[1]["items"][0]["source"].removeprefix("course:")
    world.box.faults.add(Fault("wrong_types", "docebo", "GET", rf"/courses/{course}$"))
    code, report = world.report("credly", "batch-sync")
    assert (code, report["status"]) == (8, "failed")
    (mail,) = post.mails
    text = mail.get_content()
    assert report["run"] in text
    assert f"connectctl run retry {report['run']}" in text
    assert next(item["error"] for item in report["items"] if item["error"])[:30] in text
    code, again = world.report("credly", "batch-sync")
    assert (code, again["warnings"], len(post.mails)) == (8, [], 1)  # the same error within the hour


@pytest.mark.req("GN-18")
def test_killed_between_commit_and_mail_the_next_run_sends_it(
    world: World, start: Start, bare: Callable[..., int]
) -> None:
    connected = threading.Event()

    def silent(connection: socket.socket) -> None:
        connected.set()
        while connection.recv(4096):
            pass

    through(world, f"smtp://127.0.0.1:{bare(silent)}")
    world.box.faults.add(Fault("html_200", "credly", "GET", r"/badge_templates$"))
    process = world.start("credly", "sync-templates")
    assert connected.wait(60)
    kill(process)
    world.box.faults.clear()
    (dead,) = [run for run in runs(world) if run["status"] == "aborted"]
    post = start()
    through(world, post.url())
    code, report = world.report("credly", "sync-templates")
    assert (code, report["warnings"]) == (0, [])
    assert [dead["run"] in mail.get_content() for mail in post.mails] == [True]
    assert world.report("credly", "sync-templates")[0] == 0
    assert len(post.mails) == 1


@pytest.mark.req("GN-18")
def test_a_run_that_was_killed_is_mailed_by_the_next(world: World, start: Start) -> None:
    post = start()
    through(world, post.url())
    world.box.faults.add(Fault("slow", "credly", "GET", r"/badge_templates$", delay=60, times=1))
    before = len(world.box.log.entries)
    process = world.start("credly", "sync-templates")
    pause = threading.Event()
    while len(world.box.log.entries) == before and process.poll() is None:
        pause.wait(0.01)
    kill(process)
    (dead,) = [run for run in runs(world) if run["status"] == "running"]
    world.box.faults.clear()
    assert world.report("credly", "sync-templates")[0] == 0
    (mail,) = post.mails
    text = " ".join(mail.get_content().split())
    assert f"The run {dead['run']} of" in text
    assert "The process ended before the run did" in text
    assert "connectctl flow run credly.sync-templates" in text


def runs(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(world.run("run", "list", "--json")[1])
    return found


@pytest.mark.req("CR-22", "CR-55", "CR-57")
def test_a_deleted_template_is_told_by_one_mail_and_its_mapping_stays_off(world: World, start: Start) -> None:
    post, box = start(), world.box
    through(world, post.url())
    gone, kept = list(box.credly.templates.values())[:2]
    for template in (gone, kept):
        args = ("lookup", "set", "credly-integration-mappings", template.id, "12", "-", "IsActive=true")
        assert world.run(*args)[0] == 0
    box.credly.delete_template(gone.id)
    code, _, err = world.run("credly", "sync-templates", "--dry-run")
    assert (code, "Would mail ada@acme.example: " in err, post.mails) == (0, True, [])
    assert world.report("credly", "sync-templates")[1]["done"] == {"delete_row": 1, "update_row": 1}
    (mail,) = post.mails
    text = mail.get_content()
    assert (gone.id in text, gone.name in text, kept.name in text) == (True, True, False)
    assert world.report("credly", "sync-templates")[1]["planned"] == {}
    assert len(post.mails) == 1, "nothing deleted, no mail"
    rows = json.loads(world.run("lookup", "show", "credly-integration-mappings", "--json")[1])
    assert {row["Badge Template ID"]: row["IsActive"] for row in rows} == {gone.id: False, kept.id: True}
