"""A provider the kit has never heard of goes through everything the kit does, by declarations and a client alone."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests import fake_provider
from tests.fake_provider import REMOTES, Remote

from connectctl.api import Template
from connectctl.badging.flows import recipe_flows
from connectctl.cli import main
from connectctl.plugins.manager import Plugins
from connectctl_sandbox import Sandbox

Report = dict[str, Any]
CODE = "FIRST-AID"
FLOWS = {flow.name.partition(".")[2]: flow for flow in recipe_flows(fake_provider.PROVIDER)}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(seed=1) as box:
        yield box


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    made = REMOTES.setdefault(str(tmp_path), Remote())
    for number, name in enumerate(("Gold", "Silver", "Safety")):
        made.templates[f"k{number}"] = Template(f"k{number}", name, "active", f"2026-01-0{number + 1}")
    return made


@pytest.fixture
def run(
    box: Sandbox, remote: Remote, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """A command of the real product, with this provider as the only plugin; the object of a run with `--json`."""
    home = tmp_path / "profile"
    home.mkdir()
    (home / "config.toml").touch(0o600)
    section = box.config_toml().partition("[connections.credly]")[0]
    (home / "config.toml").write_text(f"{section}\n[connections.badgely]\nplace = {json.dumps(str(tmp_path))}\n")

    def call(*args: str) -> Any:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
        capsys.readouterr()
        code = main(args, plugins=Plugins.from_modules({"badgely": fake_provider}))
        out, err = capsys.readouterr()
        assert code == 0, (args, out, err)
        return json.loads(out) if "--json" in args else out

    for key, value in (("START", "2026-01-01"), ("FIELD", "Badgely kind"), ("INSTITUTE", "Badgely")):
        call("lookup", "set", "integration-settings", "BADGELY", key, f"Value={value}")
    call("lookup", "set", "integration-settings", "BADGELY", "REVOCATION", "Value=false")
    return call


def prepared(box: Sandbox, run: Callable[..., Any]) -> None:
    """Table and dropdown filled, a course, a plan and a certification mapped."""
    run("badgely", "sync-kinds")
    run("badgely", "sync-field")
    courses, plan = list(box.docebo.courses), next(iter(box.docebo.plans))
    box.docebo.select_by_label({courses[0]: "Gold", courses[1]: "Silver"})
    run("lookup", "set", "badgely-rules", "k1", str(plan), "-", "In Use=true")
    run("lookup", "set", "badgely-rules", "k2", "-", CODE, "In Use=true", "As Training=true")


def test_both_batches_do_everything_once(box: Sandbox, remote: Remote, run: Callable[..., Any]) -> None:
    prepared(box, run)
    out = run("badgely", "batch-sync", "--json")
    assert out["done"]["issue"] == len(remote.badges) > 5
    holdings = [(one.template_id, one.earner_id) for one in remote.badges.values()]
    assert len(holdings) == len(set(holdings))
    assert {one.template_id for one in remote.badges.values()} >= {"k0", "k1"}
    stranger = next(u for u in box.docebo.users.values() if u.email and not remote_has(remote, u.email))
    remote.add("k2", stranger.email, issued_at=datetime(2026, 2, 1, tzinfo=UTC), name="Safety")
    inwards = run("badgely", "batch-sync", "--direction", "inwards", "--json")
    assert inwards["done"] == {"create_training": 1, "award": 1}
    sent = remote.sent
    for direction in ("outwards", "inwards"):
        again = run("badgely", "batch-sync", "--direction", direction, "--json")
        assert (again["planned"], again["done"]) == ({}, {}), direction
    assert remote.sent == sent


def remote_has(remote: Remote, email: str) -> bool:
    return any(email.lower() in one.emails for one in remote.badges.values())


def test_what_ends_on_one_side_ends_on_the_other(box: Sandbox, remote: Remote, run: Callable[..., Any]) -> None:
    prepared(box, run)
    run("badgely", "batch-sync")
    stranger = next(u for u in box.docebo.users.values() if u.email and not remote_has(remote, u.email))
    about = ("--param", f"user={stranger.user_id}", "--param", f"certification={CODE}", "--json")
    award = box.docebo.award(stranger.user_id, CODE, "2026-02-01 10:00:00", always_valid=True)
    told = run("flow", "run", "badgely.dispatch-docebo", "--param", "event=awarded", *about)
    assert told["done"] == {"issue": 1}
    box.docebo.update_award(award.award_id, issued_at="2026-02-05 10:00:00")
    assert run("flow", "run", "badgely.process-awards", *about)["done"] == {"replace": 1}
    box.docebo.revoke_award(award.award_id)
    told = run("flow", "run", "badgely.dispatch-docebo", "--param", "event=revoked", *about)
    assert told["done"] == {"revoke": 1}


def test_a_kind_that_is_gone_goes_from_table_dropdown_and_rules(
    box: Sandbox, remote: Remote, run: Callable[..., Any]
) -> None:
    prepared(box, run)
    del remote.templates["k2"]
    assert run("badgely", "sync-kinds", "--json", "--yes")["done"] == {"delete_row": 1, "update_row": 1}
    assert run("badgely", "sync-field", "--json", "--yes")["done"] == {"remove_option": 1}
    (field,) = box.docebo.fields.values()
    assert sorted(box.docebo.labels(field.field_id).values()) == ["Gold", "Silver"]


def test_every_recipe_is_a_flow_and_runs(box: Sandbox, remote: Remote, run: Callable[..., Any]) -> None:
    prepared(box, run)
    run("badgely", "batch-sync")
    course, user = next(iter(box.docebo.courses)), next(iter(box.docebo.users))
    badge = next(one.id for one in remote.badges.values() if one.template_id == "k2")
    values = {"course": course, "user": user, "template": "k0", "certification": CODE, "badge": badge}
    values |= {"email": box.docebo.users[user].email, "event": "awarded"}
    listed = {row["id"]: row for row in run("flow", "list", "--all", "--json")}
    assert {f"badgely.{verb}" for verb in fake_provider.TITLES} <= set(listed)
    for verb in fake_provider.TITLES:
        needs = FLOWS[verb].needs
        words = [word for name in needs for word in ("--param", f"{name}={values[name]}")]
        if verb == "dispatch-docebo":
            words += ["--param", f"certification={CODE}"]
        report = run("flow", "run", f"badgely.{verb}", *words, "--json", "--yes")
        assert (report["status"], report["title"]) == ("succeeded", f"Badgely {verb}"), verb


def test_a_comparison_of_all_three_finds_nothing(box: Sandbox, remote: Remote, run: Callable[..., Any]) -> None:
    prepared(box, run)
    run("badgely", "batch-sync")
    assert "findings" not in run("badgely", "reconcile", "--json")


def test_it_is_one_short_file_that_the_kit_knows_nothing_of() -> None:
    file = Path(fake_provider.__file__)
    assert len(file.read_text().splitlines()) <= 150
    kit = [path for path in (file.parents[1] / "src").rglob("*.py") if "badgely" in path.read_text().lower()]
    assert kit == []
