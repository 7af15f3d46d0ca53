"""`--reissue`: another badge where the last one has ended, once, and only when asked for (CR-34, GN-21)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl_sandbox import Fault, Sandbox

ENDS: list[tuple[str, dict[str, Any]]] = [
    ("expired", {"expires_at": 1_760_000_000.0}),
    ("revoked", {"state": "revoked"}),
    ("rejected", {"state": "rejected"}),
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(seed=1) as box:
        made = make_world(box, tmp_path / "home")
        assert made.report("credly", "batch-sync")[0] == 0
        yield made


def end(world: World, **how: Any) -> Any:
    """One of our badges ends in this way at the provider."""
    box = world.box
    badge = next(
        b
        for b in box.credly.live_badges()
        if b.issuer_earner_id and not box.credly.templates[b.template_id].allow_duplicate_badges
    )
    box.credly.put(replace(badge, **how), "badge.state.changed")
    return badge


def of(world: World, badge: Any) -> list[Any]:
    return [
        b
        for b in world.box.credly.badges.values()
        if (b.template_id, b.issuer_earner_id) == (badge.template_id, badge.issuer_earner_id)
    ]


@pytest.mark.req("CR-34", "GN-17", "GN-21")
@pytest.mark.parametrize(("word", "how"), ENDS, ids=[word for word, _ in ENDS])
def test_one_more_after_the_end_and_never_two(world: World, word: str, how: dict[str, Any]) -> None:
    badge = end(world, **how)
    others = [other for other, _ in ENDS if other != word]
    for args in ((), ("--full",), ("--reissue", others[0]), ("--reissue", others[1])):
        assert world.report("credly", "batch-sync", *args)[1]["planned"] == {}, args
    dry = world.report("credly", "batch-sync", "--reissue", word, "--dry-run")[1]
    assert dry["planned"] == {"issue": 1}
    assert len(of(world, badge)) == 1
    code, report = world.report("credly", "batch-sync", "--reissue", word)
    assert (code, report["done"]) == (0, {"issue": 1}), report
    (item,) = report["items"]
    assert (item["user"], item["template"]) == (badge.issuer_earner_id, badge.template_id)
    assert badge.id in item["reason"]
    for args in (("--reissue", word), (), ("--full",)):
        assert world.report("credly", "batch-sync", *args)[1]["planned"] == {}, args
    assert len(of(world, badge)) == 2
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("CR-37", "GN-21")
@pytest.mark.parametrize("kind", ["lose_answer", "lose_request", "http_500_after"])
def test_a_lost_answer_to_it_is_looked_for_and_the_ended_one_not_taken_for_it(world: World, kind: str) -> None:
    badge = end(world, expires_at=1_760_000_000.0)
    world.box.faults.add(Fault(kind, remote="credly", method="POST", path="badges", times=1))
    code, report = world.report("credly", "batch-sync", "--reissue", "expired")
    if code == 8:
        assert report["unsure"] == 1, "with the duplicate guard off nothing is sent again unasked"
        code, report = world.report("run", "retry", report["run"])
    assert code == 0, report
    assert len(of(world, badge)) == 2
    assert world.report("credly", "batch-sync", "--reissue", "expired")[1]["planned"] == {}
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("CR-34", "GN-21")
def test_a_badge_that_ends_again_is_followed_again(world: World) -> None:
    badge = end(world, expires_at=1_760_000_000.0)
    for count in (2, 3, 4):
        code, report = world.report("credly", "batch-sync", "--reissue", "expired")
        assert (code, report["done"]) == (0, {"issue": 1}), report
        assert len(of(world, badge)) == count
        assert world.report("credly", "batch-sync", "--reissue", "expired")[1]["planned"] == {}
        for one in of(world, badge):
            world.box.credly.put(replace(one, expires_at=1_760_000_000.0), "badge.state.changed")
    assert world.run("ledger", "verify")[0] == 0


@pytest.mark.req("CR-34", "GN-21")
@pytest.mark.parametrize("kind", ["lose_answer", "lose_request"])
def test_none_of_several_ended_badges_is_taken_for_a_lost_one(world: World, kind: str) -> None:
    badge = end(world, expires_at=1_760_000_000.0)
    assert world.report("credly", "batch-sync", "--reissue", "expired")[0] == 0
    for one in of(world, badge):
        world.box.credly.put(replace(one, expires_at=1_760_000_000.0), "badge.state.changed")
    world.box.faults.add(Fault(kind, remote="credly", method="POST", path="badges", times=1))
    code, report = world.report("credly", "batch-sync", "--reissue", "expired")
    if code == 8:
        assert report["unsure"] == 1
        code, report = world.report("run", "retry", report["run"])
    assert code == 0, report
    assert len(of(world, badge)) == 3
    assert world.report("credly", "batch-sync", "--reissue", "expired")[1]["planned"] == {}


@pytest.mark.req("CR-34")
def test_how_the_newest_one_ended_decides(world: World) -> None:
    badge = end(world, expires_at=1_760_000_000.0)
    assert world.report("credly", "batch-sync", "--reissue", "expired")[0] == 0
    (newest,) = [b for b in of(world, badge) if b.id != badge.id]
    world.box.credly.put(replace(newest, state="revoked"), "badge.state.changed")
    assert world.report("credly", "batch-sync", "--reissue", "expired")[1]["planned"] == {}
    assert world.report("credly", "batch-sync", "--reissue", "revoked")[1]["done"] == {"issue": 1}
    assert len(of(world, badge)) == 3


@pytest.mark.req("CR-34", "GN-37")
def test_one_that_is_refused_is_left_alone_until_the_learners_data_are_mended_or_somebody_asks(world: World) -> None:
    badge = end(world, expires_at=1_760_000_000.0)
    box, user = world.box, int(badge.issuer_earner_id)
    reissue = ("credly", "batch-sync", "--reissue", "expired")
    box.credly.archive(badge.template_id)  # after the templates were synced
    code, report = world.report(*reissue)
    assert (code, report["failed"]) == (8, 1), report
    code, again = world.report(*reissue)
    assert (code, again["planned"]) == (0, {}), "refused once, it would be refused again"
    assert again["skipped"]["connectctl:failed_before"] == 1
    assert world.report("run", "retry", report["run"], "--dry-run")[1]["planned"] == {"issue": 1}
    box.credly.update_template(badge.template_id, state="active")
    box.docebo.update_user(user, first_name="Mended")
    code, report = world.report(*reissue)
    assert (code, report["done"]) == (0, {"issue": 1}), report
    assert len(of(world, badge)) == 2
    assert world.report(*reissue)[1]["planned"] == {}
