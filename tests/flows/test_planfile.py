"""Plan files: whole or not at all, private, and every broken one named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.flows.conftest import change

from connectctl.errors import ConfigError
from connectctl.flows import planfile
from connectctl.model import Change

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
CHANGES = st.builds(
    Change,
    TEXT,
    TEXT,
    st.dictionaries(TEXT, JSON, max_size=4),
    TEXT,
    TEXT,
    *[st.none() | TEXT] * 5,
)


def save(path: Path, *changes: Change) -> dict[str, Any]:
    planfile.write(path, "toy.go", "r_1", "2026-11-21T00:00:00.000Z", {"course": ["88"], "since": None}, changes)
    document: dict[str, Any] = json.loads(path.read_text())
    return document


@pytest.mark.req("GN-40")
@given(st.lists(CHANGES, max_size=4))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, changes: list[Change]) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    save(path, *changes)
    plan = planfile.read(path)
    assert plan.changes == tuple(changes)
    assert (plan.flow, plan.run, plan.params) == ("toy.go", "r_1", {"course": ["88"], "since": None})
    assert [planfile.identity(one) for one in plan.changes] == [planfile.identity(one) for one in changes]


def test_the_file_is_private_and_replaces_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("older")
    save(path, change("1"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.glob("plan*")] == ["plan.json"]


@pytest.mark.parametrize("place", ["no/such/folder/plan.json", "taken"])
def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path, place: str) -> None:
    (tmp_path / "taken").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError, match="could not be written"):
        save(tmp_path / place, change("1"))
    assert sorted(tmp_path.rglob("*")) == before


def broken(**changes: Any) -> str:
    document: dict[str, Any] = {
        "connectctl_plan": 1,
        "flow": "toy.go",
        "run": "r_1",
        "created_at": "",
        "params": {},
        "changes": [],
    }
    document.update(changes)
    return json.dumps({name: value for name, value in document.items() if value is not ...})


ENTRY = {"action": "issue", "holding": "h", "data": {}, "reason": "", "origin": ""}
BROKEN = {
    "empty": "",
    "cut": '{"connectctl_plan": 1, "flow": "toy',
    "no JSON": "plan:\n  - issue",
    "not text": b"\xff\xfe\x00",
    "too deep": "[" * 200_000,
    "a list": "[]",
    "another version": broken(connectctl_plan=2),
    "no flow": broken(flow=...),
    "no changes": broken(changes=...),
    "changes of another kind": broken(changes=7),
    "a change that is no object": broken(changes=[[1]]),
    "a change without data": broken(changes=[{**ENTRY, "data": None}]),
    "a change without holding": broken(changes=[{**ENTRY, "holding": None}]),
    "a number for a version": broken(changes=[{**ENTRY, "version": 5}]),
    "a list for a template": broken(changes=[{**ENTRY, "template": ["t"]}]),
    "params of another kind": broken(params=[1]),
    "a param of another kind": broken(params={"course": {"id": 5}}),
    "a number for a course": broken(params={"course": 5}),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_named(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError, match=r"plan\.json") as caught:
        planfile.read(path)
    assert (caught.value.exit_code, "--plan-out" in caught.value.hint) == (3, True)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"plan\.json cannot be read: No such file"):
        planfile.read(tmp_path / "plan.json")
