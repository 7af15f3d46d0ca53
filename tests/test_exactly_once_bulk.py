"""Exactly one credential per learner with bulk calls: kill -9 at random moments, lost answers, a lagging search."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest
from tests.accredible import BULK, AccredibleWorld, make_accredible
from tests.worlds import kill

from connectctl_sandbox import Fault, Sandbox

KILLS = int(os.environ.get("CONNECTCTL_TEST_KILLS", "200")) // 4
WORLDS = 5
NASTY = ("lose_answer", "lose_request", "http_500_before", "http_500_after", "cut_answer", "truncated_json", "http_503")


def make_nasty(box: Sandbox, chance: random.Random) -> None:
    """Faults on every request, most of them on the bulk calls."""
    box.faults.clear()
    for kind in NASTY:
        probability = chance.choice((0.0, 0.1, 0.3))
        box.faults.add(Fault(kind, "accredible", "POST", BULK, probability, seed=chance.randrange(1 << 30)))
    box.faults.add(Fault("http_500_before", method="GET", probability=0.02, seed=chance.randrange(1 << 30)))


def crowd(box: Sandbox, chance: random.Random) -> None:
    """More people complete the courses, so that there are full calls and a rest."""
    courses = list(box.intended_groups)
    for number in range(150):
        user = box.docebo.add_user(email=f"crowd{number}@example.org", first_name="Crowd", last_name=f"No {number}")
        box.docebo.enroll(user.user_id, chance.choice(courses[:3]), completed_at="2026-02-20 10:00:00")


def kill_somewhere(world: AccredibleWorld, chance: random.Random) -> None:
    """Starts a sync and kills it: after its first request, or after its n-th bulk call, and a little later."""
    box = world.box
    before, sent = len(box.log.entries), box.log.count(remote="accredible", method="POST", path=BULK)
    wanted, delay = chance.choice((0, 1, 1, 2, 3)), chance.uniform(0, 0.15)
    process = world.start("accredible", "batch-sync")
    pause = threading.Event()
    while process.poll() is None:
        calls = box.log.count(remote="accredible", method="POST", path=BULK) - sent
        if len(box.log.entries) > before and calls >= wanted:
            pause.wait(delay)
            break
        pause.wait(0.002)
    kill(process)


@pytest.mark.req("GN-21", "AC-29")
@pytest.mark.parametrize("number", range(WORLDS))
def test_killed_during_bulk_calls_then_one_clean_run(number: int, tmp_path: Path) -> None:
    chance = random.Random(number)
    with Sandbox(seed=1, latency=0.004) as box:
        crowd(box, chance)
        world = make_accredible(box, tmp_path / "home")
        box.accredible.flags.search_lag = chance.choice((0.0, 20.0, 60.0))
        box.clock.per_request = chance.choice((0.2, 1.0, 5.0))
        for _ in range(KILLS // WORLDS):
            make_nasty(box, chance)
            kill_somewhere(world, chance)
            assert max(world.held().values(), default=0) <= 1
        box.faults.clear()
        code, report = world.report("accredible", "batch-sync")
        assert code == 0, report
        assert set(world.held()) >= world.expected
        assert max(world.held().values()) == 1
        assert all(one.approve for one in box.accredible.credentials.values() if one.license_id)
        assert world.sync()["planned"] == {}
        assert world.run("ledger", "verify")[0] == 0
