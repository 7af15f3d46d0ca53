"""`lookup explain`: every setting and every column in plain words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectctl_credly import plugin as credly

Run = Callable[..., Any]
SET = ("lookup", "set", "integration-settings", "CREDLY")


@pytest.fixture
def told(run: Run) -> Run:
    return lambda *args: run(*args, plugins={"credly": credly})


@pytest.mark.req("CR-77", "AC-66")
def test_settings_as_they_stand(told: Run, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text('[general]\ntimezone = "Europe/Berlin"\n')
    assert told(*SET, "BATCH_SYNC_START_DATE", "Value=2026-01-01").code == 0
    result = told("lookup", "explain")
    assert result.code == 0
    blocks = {block.splitlines()[0]: " ".join(block.split()) for block in result.out.split("\n\n")}
    assert list(blocks) == [f"CREDLY {setting.name}" for setting in credly.SETTINGS]
    start = blocks["CREDLY BATCH_SYNC_START_DATE"]
    assert "value 2026-01-01" in start
    assert "in the zone Europe/Berlin" in start
    assert "The moment meant is 2026-01-01 00:00:00 in Europe/Berlin, which is 2025-12-31T23:00:00Z." in start
    assert "blank credly batch-sync refuses to run" in start
    revocation = blocks["CREDLY SYNC_REVOCATION"]
    assert "value - default true allowed true or false, in lower case effect As if it were true." in revocation
    assert "are NOT carried over" in revocation
    assert max(len(line) for line in result.out.splitlines()) <= 100


@pytest.mark.req("CR-77")
def test_settings_as_json(told: Run) -> None:
    assert told(*SET, "NEGATIVE_SYNC", "Value=enabled").code == 0
    found = {row["key"]: row for row in json.loads(told("lookup", "explain", "--json").out)}
    assert found["SYNC_REVOCATION"] | {"effect": "", "blank": ""} == {
        "integration": "CREDLY",
        "key": "SYNC_REVOCATION",
        "summary": "true switches revocations and deletions off",
        "kind": "boolean",
        "value": None,
        "valid": True,
        "default": True,
        "required": False,
        "allowed": "true or false, in lower case",
        "effect": "",
        "blank": "",
    }
    assert found["SYNC_REVOCATION"]["effect"].startswith("NEGATIVE_SYNC decides, as if this were false.")
    assert found["NEGATIVE_SYNC"]["value"] == "enabled"


def test_an_invalid_value_is_said_to_be_one(told: Run, home: Path) -> None:
    from connectctl.plugins.manager import Plugins
    from connectctl.store import open_store

    home.mkdir()
    store = open_store("sqlite:///store.db", home)
    table = store.table(Plugins.from_modules({"credly": credly}).table("integration-settings"))
    table.insert({"Integration": "CREDLY", "Key": "SYNC_REVOCATION", "Value": "\x1b[31mYES"})
    store.close()
    out = told("lookup", "explain").out
    assert "YES  (not valid)" in out
    assert "must be the word true or false, in lower case" in out
    assert "\x1b" not in out
    rows = json.loads(told("lookup", "explain", "integration-settings", "--json").out)
    assert [row["key"] for row in rows if not row["valid"]] == ["SYNC_REVOCATION"]


@pytest.mark.req("CR-14", "CR-15")
@pytest.mark.parametrize("name", ["Credly Badge Templates", "credly-integration-mappings", "credly-dropdown-elements"])
def test_columns_of_a_table(told: Run, name: str) -> None:
    result = told("lookup", "explain", name)
    columns = json.loads(told("lookup", "explain", name, "--json").out)
    assert result.code == 0
    assert all(column["column"] in result.out.splitlines() for column in columns)
    assert all(column["meaning"] and column["filled_by"] for column in columns)


def test_who_fills_a_column_and_what_it_refers_to(told: Run) -> None:
    templates = json.loads(told("lookup", "explain", "credly-badge-templates", "--json").out)
    assert [column["filled_by"] for column in templates] == [
        *["Synchronisation from Credly to Lookup table"] * 3,
        "Synchronisation from Credly Lookup table to Docebo LMS",
    ]
    first = json.loads(told("lookup", "explain", "credly-integration-mappings", "--json").out)[0]
    assert (first["key"], first["required"], first["refers_to"]) == (True, True, "credly-badge-templates")
    out = told("lookup", "explain", "credly-integration-mappings").out
    assert "text, part of the key, a row of credly-badge-templates" in out


def test_an_unknown_table(told: Run) -> None:
    assert told("lookup", "explain", "credly-badge-templats").code == 2
