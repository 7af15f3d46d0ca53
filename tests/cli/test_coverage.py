"""`connectctl coverage`: each list read once, nothing written, what cannot be read is said."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl.api import hookimpl
from connectctl.testing.fake_api import FakeAPI
from connectctl_credly import plugin as credly
from connectctl_sandbox import Sandbox

MAPPINGS = "credly-integration-mappings"
LIST = "/learn/v1/certification"
PLANS = "/learningplan/v1/learningplans"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(seed=1) as box:
        yield make_world(box, tmp_path / "home")


def found(world: World, *args: str) -> list[dict[str, Any]]:
    kinds = args or ("--kind", "course", "--kind", "plan", "--kind", "mapping")
    code, out, err = world.run("coverage", "--json", *kinds)
    assert code == 0, err
    rows: list[dict[str, Any]] = json.loads(out)
    assert all(set(row) == {"kind", "id", "name", "provider", "finding", "fix"} for row in rows)
    return rows


def test_what_has_no_mapping_and_rows_that_point_nowhere(world: World) -> None:
    plans = list(world.box.docebo.plans)
    template = next(iter(world.box.credly.templates))
    for key, active in ((("no-such-template", "999999"), "true"), ((template, str(plans[1])), "false")):
        assert world.run("lookup", "set", MAPPINGS, *key, "-", f"IsActive={active}")[0] == 0
    before = world.run("store", "export", str(world.home / "before"))
    rows = found(world)
    unselected = [row for row in rows if row["kind"] == "course" and row["finding"].startswith("nothing is selected")]
    selected = world.box.select_templates()
    assert {int(row["id"]) for row in unselected} == set(world.box.docebo.courses) - set(selected)
    assert [(row["id"], row["finding"]) for row in rows if row["kind"] == "plan"] == [
        (str(plans[0]), "no row of Credly Integration Mappings names it"),
        (str(plans[1]), "its row is switched off"),
    ]
    assert [(row["id"], row["finding"]) for row in rows if row["kind"] == "mapping"] == [
        ("#1", "Credly Badge Templates has no template 'no-such-template'"),
        ("#1", "Docebo has no learning plan '999999'"),
    ]
    assert before[0] == world.run("store", "export", str(world.home / "after"))[0] == 0
    files = [path for path in (world.home / "before").rglob("*") if path.is_file() and path.suffix != ".json"]
    assert files
    assert all(
        (world.home / "after" / path.relative_to(world.home / "before")).read_bytes() == path.read_bytes()
        for path in files
    )
    for row in rows:
        if row["kind"] in ("plan", "mapping"):
            words = shlex.split(row["fix"].replace("TEMPLATE", template))[1:]
            assert world.run(*words)[0] == 0, row
    assert [row for row in found(world) if row["kind"] in ("plan", "mapping")] == []


def test_each_list_is_read_once_and_no_detail_that_is_known(world: World) -> None:
    world.report("credly", "batch-sync")
    log = world.box.log
    before = len(log.entries)
    found(world, "--kind", "course", "--kind", "plan")
    asked = Counter(
        (entry.method, entry.path.split("?")[0]) for entry in log.entries[before:] if "oauth" not in entry.path
    )
    assert {method for method, _ in asked} == {"GET"}
    assert max(asked.values()) == 1
    assert not [path for _, path in asked if path.startswith("/learn/v1/courses/") and path[-1].isdigit()]
    code, out, err = world.run("coverage", "--kind", "plan")
    lines = [line.split("\t") for line in out.splitlines()]
    assert (code, lines[0]) == (0, ["kind", "id", "name", "provider", "finding", "fix"])
    assert len(lines) == 1 + len(world.box.docebo.plans)
    assert f"Without effect: {len(lines) - 1} plans" in err
    before = len(log.entries)
    found(world, "--kind", "mapping")  # no row names a plan or a certification: there is nothing to ask
    assert [entry for entry in log.entries[before:] if "oauth" not in entry.path] == []


TOKEN = {"access_token": "a" * 40, "expires_in": 3600, "token_type": "Bearer"}


@pytest.fixture
def platform(home: Path) -> Iterator[FakeAPI]:
    """A Docebo of which a test lays out only what it needs."""
    home.mkdir()
    with FakeAPI() as api:
        api.on("POST", "/oauth2/token", json=TOKEN)
        values = {"base_url": api.url, "client_id": "x", "client_secret": "y", "username": "u", "password": "p"}
        values["rate"] = "none"
        config = home / "config.toml"
        config.touch(0o600)
        config.write_text("\n".join(["[connections.docebo]", *(f'{name} = "{text}"' for name, text in values.items())]))
        yield api


def listed(run: Callable[..., Any], *kinds: str) -> list[dict[str, Any]]:
    args = [word for kind in kinds or ("certification",) for word in ("--kind", kind)]
    result = run("coverage", "--json", *args, plugins={"credly": credly})
    assert result.code == 0, result.err
    rows: list[dict[str, Any]] = json.loads(result.out)
    return rows


def test_certifications_without_a_row(platform: FakeAPI, run: Callable[..., Any]) -> None:
    rows = [{"id_cert": 7, "code": "SEC", "title": "Security"}, {"id_cert": 8, "code": "ISO", "title": "Standards"}]
    platform.on("GET", LIST, json={"data": {"items": rows, "has_more_data": False}})
    done = run("lookup", "set", MAPPINGS, "t1", "-", "SEC", "IsActive=true", plugins={"credly": credly})
    assert done.code == 0, done.err
    (row,) = listed(run)
    assert row == {
        "kind": "certification",
        "id": "8",
        "name": "Standards",
        "provider": "credly",
        "finding": "no row of Credly Integration Mappings names it",
        "fix": f"connectctl lookup set {MAPPINGS} TEMPLATE - ISO IsActive=true",
    }
    assert len(platform.seen("GET", LIST)) == 1


def test_every_provider_is_looked_at_and_each_list_read_once(platform: FakeAPI, run: Callable[..., Any]) -> None:
    platform.on("GET", LIST, json={"data": {"items": [{"id_cert": 7, "code": "SEC"}], "has_more_data": False}})
    platform.on("GET", PLANS, json={"data": {"items": [{"learning_plan_id": 12}], "has_more_data": False}})
    spec = credly.PROVIDER
    tables = [replace(t, name=f"other-{t.name}", title=f"Other {t.title}") for t in spec.tables[:2]]
    other: Any = ModuleType("other")
    made = replace(
        spec, name="other", title="Other", integration="OTHER", template_table=tables[0], mapping_table=tables[1]
    )
    other.register_providers = hookimpl(lambda: [made])
    plugins = {"credly": credly, "other": other}
    result = run("coverage", "--json", "--kind", "plan", "--kind", "certification", plugins=plugins)
    assert result.code == 0, result.err
    rows = json.loads(result.out)
    assert [(row["provider"], row["kind"]) for row in rows] == [
        ("credly", "plan"),
        ("credly", "certification"),
        ("other", "plan"),
        ("other", "certification"),
    ]
    assert (len(platform.seen("GET", LIST)), len(platform.seen("GET", PLANS))) == (1, 1)
    only = run("coverage", "--json", "--kind", "plan", "--provider", "other", plugins=plugins)
    assert [row["provider"] for row in json.loads(only.out)] == ["other"]


@pytest.mark.parametrize(("status", "body"), [(404, "{}"), (403, "{}"), (200, "<html>"), (200, '{"data":[]}')])
def test_a_list_that_cannot_be_read_is_said_and_calls_nothing_missing(
    platform: FakeAPI, run: Callable[..., Any], status: int, body: str
) -> None:
    platform.on("GET", LIST, status=status, body=body)
    assert run("lookup", "set", MAPPINGS, "t1", "-", "SEC", "IsActive=true", plugins={"credly": credly}).code == 0
    rows = listed(run, "certification", "mapping")
    assert [(row["kind"], row["id"], row["provider"]) for row in rows] == [
        ("mapping", "#1", "credly"),  # its template; nothing is said of its certification
        ("certification", None, None),
    ]
    assert "no template" in rows[0]["finding"]
    assert LIST in rows[1]["finding"]
    assert rows[1]["fix"] == "connectctl connection test docebo"


def test_a_row_that_cannot_be_read_is_said(platform: FakeAPI, run: Callable[..., Any]) -> None:
    platform.on("GET", LIST, json={"data": {"items": [{"code": "SEC"}], "has_more_data": False}})
    (row,) = listed(run)
    assert row["finding"] == f"Docebo GET {LIST}, page 1, row 1: id_cert is missing"


def test_a_provider_that_is_not_there(run: Callable[..., Any]) -> None:
    result = run("coverage", "--provider", "credley", plugins={"credly": credly})
    assert result.code == 2
    assert "did you mean credly?" in result.err


FIELDS: dict[str, Any] = {
    "data": {"items": [{"id": 5, "name": "Credly badge", "type": "text"}], "has_more_data": False}
}
SET = ("lookup", "set", "integration-settings", "CREDLY", "COURSE_ADDITIONAL_FIELD")


@pytest.mark.parametrize(
    ("name", "words", "fix"),
    [
        (None, "has no value for CREDLY COURSE_ADDITIONAL_FIELD", "lookup set integration-settings CREDLY"),
        ("Nowhere", "Docebo has no course field 'Nowhere' yet", "credly sync-field"),
        ("Credly badge", "is of type text, not a dropdown", "lookup set integration-settings CREDLY"),
    ],
)
def test_without_a_dropdown_the_courses_are_one_finding(
    platform: FakeAPI, run: Callable[..., Any], name: str | None, words: str, fix: str
) -> None:
    platform.on("GET", "/course/v1/courses/fields", json=FIELDS)
    platform.on("GET", "/course/v1/courses/fields/5", json={"data": FIELDS["data"]["items"][0]})
    if name is not None:
        assert run(*SET, f"Value={name}", plugins={"credly": credly}).code == 0
    (row,) = listed(run, "course")
    assert (row["kind"], row["id"], row["provider"]) == ("course", None, "credly")
    assert words in row["finding"]
    assert row["fix"].startswith(f"connectctl {fix}")
