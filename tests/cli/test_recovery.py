"""What one recipe left in doubt is settled by the batch of its direction: nothing is doubled, nothing is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.worlds import World, kill, make_world

from connectctl_sandbox import Fault, Sandbox

INWARDS = ("--direction", "inwards")
TRAINING = r"external_training"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(seed=1) as box:
        yield make_world(box, tmp_path / "home")


def killed(world: World, remote: str, path: str, *command: str) -> None:
    """Runs a command and kills it when its request has taken effect, and before the answer comes."""
    box = world.box
    box.faults.add(Fault("slow", remote, "POST", path, delay=60.0))
    before = box.log.count(remote=remote, method="POST", path=path)
    process = world.start(*command)
    pause = threading.Event()
    while process.poll() is None and box.log.count(remote=remote, method="POST", path=path) == before:
        pause.wait(0.005)
    assert process.poll() is None, process.communicate()
    kill(process)
    box.faults.clear()


@pytest.mark.req("GN-21", "CR-37")
def test_the_batch_adopts_what_a_killed_recipe_had_sent(world: World) -> None:
    template, user = sorted(world.expected)[0]
    killed(
        world, "credly", r"/badges$",
        "flow", "run", "credly.issue-credential", "--param", f"user={user}", "--param", f"template={template}",
    )  # fmt: skip
    assert world.badges() == {(template, user): 1}
    code, report = world.report("credly", "batch-sync")
    assert code == 0, report
    assert [item["user"] for item in report["items"] if item["outcome"] == "adopted"] == [user]
    assert world.badges() == dict.fromkeys(world.expected, 1)
    assert world.report("credly", "batch-sync")[1]["planned"] == {}
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("GN-21")
@pytest.mark.parametrize("of_the_batch", [True, False], ids=["of the batch", "of the recipe"])
def test_what_stays_in_doubt_is_settled_by_a_retry(world: World, of_the_batch: bool) -> None:
    box = world.box
    (allowing,) = [t.id for t in box.credly.templates.values() if t.allow_duplicate_badges]
    template, user = min(key for key in world.expected if key[0] == allowing)
    box.faults.add(Fault("lose_request", "credly", "POST", r"/badges$"))
    where = ("--param", f"user={user}", "--param", f"template={template}")
    code, first = world.report("flow", "run", "credly.issue-credential", *where)
    assert (code, first["unsure"]) == (8, 1), first
    box.faults.clear()
    code, batch = world.report("credly", "batch-sync")
    assert (code, batch["unsure"]) == (8, 1), "looked for, and not sent again unasked"
    code, report = world.report("run", "retry", (batch if of_the_batch else first)["run"])
    assert (code, report["done"]) == (0, {"issue": 1}), report
    assert world.badges() == dict.fromkeys(world.expected, 1)
    assert world.report("credly", "batch-sync")[1]["planned"] == {}


@pytest.mark.req("GN-21", "CR-47")
@pytest.mark.parametrize("recipe", ["import-training", "reconcile"])
def test_the_batch_inwards_adopts_what_was_written_there(world: World, recipe: str) -> None:
    box = world.box
    template = box.suggested["PRIVACY"]
    for key, value in (("EXTERNAL_TRAINING_INSTITUTE_NAME", "Credly"), ("SYNC_REVOCATION", "true")):
        assert world.run("lookup", "set", "integration-settings", "CREDLY", key, f"Value={value}")[0] == 0
    flags = ("Import As External Training=true", "IsActive=true")
    assert world.run("lookup", "set", "credly-integration-mappings", template, "", "", *flags)[0] == 0
    box.credly.badges.clear()
    addresses = [user.email for user in box.docebo.users.values()]
    person = next(user for user in box.docebo.users.values() if user.email and addresses.count(user.email) == 1)
    badge = box.credly.issue(person.email, template, state="accepted")
    commands = {
        "import-training": ("flow", "run", "credly.import-training", "--param", f"badge={badge.id}"),
        "reconcile": ("credly", "reconcile", "--repair", "--yes"),
    }
    killed(world, "docebo", TRAINING, *commands[recipe])
    mine = [one for one in box.docebo.trainings.values() if one.course_code == badge.id]
    assert len(mine) == 1
    code, report = world.report("credly", "batch-sync", *INWARDS)
    assert code == 0, report
    assert [item["outcome"] for item in report["items"]] == ["adopted"]
    assert [one for one in box.docebo.trainings.values() if one.course_code == badge.id] == mine
    assert world.report("credly", "batch-sync", *INWARDS)[1]["planned"] == {}
