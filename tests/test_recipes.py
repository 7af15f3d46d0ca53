"""Every recipe of Credly run for real against the sandbox, and the call graph that the runs have recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl.store import open_store
from connectctl_credly.recipes import CALLS, TITLES
from connectctl_sandbox import Sandbox

FACTS = json.loads((Path(__file__).parent / "badging" / "data" / "appendix_b.json").read_text())
EDGES = {(caller, callee) for caller, facts in FACTS.items() for callee in facts["calls"]}
CODE = "FIRST-AID"


@dataclass
class Story:
    """What happened in one world: the object of each run by verb and what it was about, and what people did."""

    world: World
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def go(self, verb: str, **params: object) -> dict[str, Any]:
        """Runs one recipe, which has to succeed, and so have those that it called for."""
        words = [word for name, value in params.items() for word in ("--param", f"{name}={value}")]
        code, out, err = self.world.run("flow", "run", f"credly.{verb}", *words, "--yes", "--json")
        assert code == 0, (verb, params, err)
        report: dict[str, Any] = json.loads(out)
        assert report["title"] == TITLES[verb]
        assert report["status"] == "succeeded"
        self.runs.setdefault(verb, []).append(report)
        return report

    def done(self, verb: str, **params: object) -> dict[str, int]:
        """What a run and those it called for have done."""

        def counts(report: dict[str, Any]) -> Iterator[tuple[str, int]]:
            yield from report["done"].items()
            for called in report.get("calls", ()):
                yield from counts(called)

        return dict(counts(self.go(verb, **params)))

    def steps(self) -> Iterator[tuple[str, str]]:
        """The edges that the runs have recorded."""
        with open_store("sqlite:///store.db", self.world.home) as store:
            for (summary,) in store.query("SELECT summary FROM runs WHERE summary IS NOT NULL"):
                for step in json.loads(summary).get("steps", ()):
                    yield step["caller"], step["recipe"]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Both batches in a world with mappings of every kind; negative synchronization is on."""
    with Sandbox(seed=1) as box:
        world = make_world(box, tmp_path_factory.mktemp("recipes") / "home")
        story = Story(world)
        rows = [
            ("integration-settings", "CREDLY", "EXTERNAL_TRAINING_INSTITUTE_NAME", "Value=Credly"),
            ("integration-settings", "CREDLY", "SYNC_REVOCATION", "Value=false"),
            (
                "credly-integration-mappings",
                box.suggested[CODE],
                str(next(iter(box.docebo.plans))),
                "-",
                "IsActive=true",
            ),
        ]
        for code, template in box.suggested.items():
            rows.append(
                (
                    "credly-integration-mappings",
                    template,
                    "-",
                    code,
                    "Import As External Training=true",
                    "IsActive=true",
                )
            )
        for row in rows:
            code, _, err = world.run("lookup", "set", *row)
            assert code == 0, err
        story.go("batch-sync")
        story.go("batch-sync-inwards")
        yield story


def people(story: Story) -> list[Any]:
    """Learners with an address of their own, without an award, a badge or a training so far."""
    docebo, credly = story.world.box.docebo, story.world.box.credly
    users = [user for user in docebo.users.values() if user.email and user.level == "User" and user.first_name]
    shared = [user.email.lower() for user in users]
    held = {badge.recipient_email.lower() for badge in credly.badges.values()}
    held |= {
        user.email.lower()
        for user in users
        if any(b.issuer_earner_id == str(user.user_id) for b in credly.badges.values())
    }
    awarded = {award.user_id for award in docebo.awards.values()}
    return [
        user
        for user in users
        if shared.count(user.email.lower()) == 1 and user.email.lower() not in held and user.user_id not in awarded
    ]


def event_of(story: Story) -> str:
    return str(story.world.box.credly.events[-1].id)
