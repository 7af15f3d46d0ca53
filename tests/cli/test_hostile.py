"""Malformed config, secrets, tables and files, in real processes: two lines, the right code, nothing half written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.flows.conftest import dump
from tests.worlds import World, make_world

from connectctl.store import open_store
from connectctl_sandbox import Fault, Sandbox

SETTINGS = "lookup set integration-settings CREDLY"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all: what is refused changes nothing, and every case puts its file back."""
    with Sandbox(seed=1) as box:
        yield make_world(box, tmp_path_factory.mktemp("world") / "home")


def tables(world: World) -> dict[str, list[tuple[object, ...]]]:
    """All that a refused command must leave as it was: everything but the record of the run and what was learnt."""
    with open_store("sqlite:///store.db", world.home) as store:
        return dump(store, "runs", "run_items", "sqlite_sequence", "cache")


def secrets(world: World) -> list[str]:
    own = world.box.docebo.credentials
    return [world.box.credly.token, own.client_secret, own.password, *world.box.docebo.access_tokens]


def refused(world: World, code: int, *args: str, listed: bool = False) -> str:
    """Runs a command that has to be refused; its message."""
    before = tables(world)
    got, out, err = world.run("--quiet", *args)
    assert got == code, (got, err)
    lines = err.splitlines()
    said = lines[-2:] if listed else lines
    assert [line.partition(":")[0] for line in said] == ["Error", "Hint"], err
    assert all(line.partition(": ")[2].strip() for line in said), err
    assert "Traceback" not in err
    assert not [secret for secret in secrets(world) if secret in out + err]
    assert tables(world) == before
    return err


CONFIG: dict[str, tuple[Callable[[str], str], str]] = {
    "a line that is no TOML": (lambda t: t + "\n[connections.credly\n", "line"),
    "a key twice": (lambda t: t.replace("[connections.credly]", '[connections.credly]\ntoken = "x"'), "config.toml"),
    "an unknown key": (lambda t: t.replace("[connections.credly]", "[connections.credly]\ntokn = 1"), "tokn"),
    "an unknown section": (lambda t: t + "\n[limit]\nmax_changes = 1\n", "limit"),
    "a limit that is no number": (lambda t: t + '\n[limits]\nmax_changes = "many"\n', "max_changes"),
    "a negative limit": (lambda t: t + "\n[limits]\nmax_removals = -1\n", "max_removals"),
    "a zone that is none": (lambda t: t + '\n[general]\ntimezone = "Mars/Olympus"\n', "Mars/Olympus"),
    "an address that is none": (lambda t: t.replace("base_url = ", 'base_url = "ftp://x"\n#'), "base_url"),
    "no organization": (lambda t: t.replace("organization_id", "#"), "organization_id"),
    "no token": (lambda t: t.replace("token", "#"), "token"),
    "a secret that leads nowhere": (lambda t: t.replace("token = ", 'token = "env:NOT_THERE"\n#'), "NOT_THERE"),
    "a secret in no file": (lambda t: t.replace("token = ", 'token = "file:/no/such"\n#'), "/no/such"),
    "a store of another kind": (lambda t: t + '\n[store]\nurl = "mysql://x"\n', "mysql"),
    "a field_value that is none": (
        lambda t: t.replace("[connections.docebo]", '[connections.docebo]\nfield_value = "name"'),
        "field_value",
    ),
}


@pytest.mark.parametrize(("spoil", "words"), CONFIG.values(), ids=CONFIG.keys())
def test_a_config_that_is_wrong_names_the_place(world: World, spoil: Callable[[str], str], words: str) -> None:
    config = world.home / "config.toml"
    good = config.read_text()
    try:
        config.write_text(spoil(good))
        assert words in refused(world, 3, "credly", "batch-sync")
    finally:
        config.write_text(good)


def test_a_literal_secret_that_others_may_read_is_refused(world: World) -> None:
    config = world.home / "config.toml"
    config.chmod(0o644)
    try:
        assert "chmod 600" in refused(world, 3, "credly", "batch-sync")
    finally:
        config.chmod(0o600)


@pytest.mark.req("CR-42", "GN-09", "GN-10")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("BATCH_SYNC_START_DATE", "01.02.2026"),
        ("BATCH_SYNC_START_DATE", "2026-02-30"),
        ("BATCH_SYNC_START_DATE", ""),
        ("COURSE_ADDITIONAL_FIELD", ""),
        ("CREDLY_DEFAULT_EXPIRATION_DAYS", "-5"),
        ("SYNC_REVOCATION", "yes"),
        ("CREDLY_INTEGRATION_MASTER", "MOODLE"),
        ("NOTIFICATION_MAIL_ID", "everybody"),
    ],
)
def test_a_table_cell_that_is_wrong_names_key_and_command(world: World, key: str, value: str) -> None:
    good = {"BATCH_SYNC_START_DATE": "2026-01-01", "COURSE_ADDITIONAL_FIELD": "Credly badge"}.get(key, "")
    row = ("lookup", "set", "integration-settings", "CREDLY", key)
    code, _, err = world.run(*row, f"Value={value}")
    try:
        if code == 0:
            err = refused(world, 3, "credly", "batch-sync")
        assert code in (0, 3)
        assert key in err
    finally:
        world.run(*row, f"Value={good}")


HEAD = (
    b"Badge Template ID,Badge Template Name,Learning Plan ID,Import As External Training,Certification Code,IsActive\n"
)
GOOD = b"t1,A,12,false,,true\n"
CSV: dict[str, tuple[bytes, str]] = {
    "a bad boolean": (HEAD + GOOD + b"t2,B,12,false,,maybe\n", "line 3"),
    "a missing key": (HEAD + GOOD + b",B,12,false,,true\n", "line 3"),
    "an unknown column": (HEAD.replace(b"IsActive", b"Colour") + GOOD, "Colour"),
    "a row too long": (HEAD + b"t1,A,12,false,,true,x,y\n", "line 2"),
    "the same key twice": (HEAD + GOOD + GOOD, "line 3"),
    "not text": (b"\xff\xfe\x00\x01\x80", "UTF-8"),
    "an open quote": (HEAD + GOOD + b'"t2,B,12,false,,true\n', "line 3"),
    "nothing": (b"", "line 1"),
}


@pytest.mark.parametrize(("content", "words"), CSV.values(), ids=CSV.keys())
def test_a_csv_that_is_wrong_is_imported_not_at_all(world: World, tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "import.csv"
    file.write_bytes(content)
    err = refused(world, 3, "lookup", "import", "credly-integration-mappings", str(file), listed=True)
    assert words in err


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_store_that_is_none_is_named(world: World, tmp_path: Path, content: bytes) -> None:
    home = tmp_path / "home"
    home.mkdir()
    config = home / "config.toml"
    config.touch(0o600)
    config.write_text((world.home / "config.toml").read_text())
    (home / "store.db").write_bytes(content)
    code, out, err = World(world.box, home, frozenset()).run("credly", "batch-sync")
    assert (code, out) == (3, "")
    assert [line.partition(":")[0] for line in err.splitlines()] == ["Error", "Hint"]
    assert "store.db" in err
    assert (home / "store.db").read_bytes() == content


REQUESTS = {
    "templates": ("credly", "sync-templates", "/badge_templates$", "credly"),
    "field": ("credly", "sync-field", "/fields/5$", "docebo"),
    "fields": ("credly", "sync-field", "/fields$", "docebo"),
    "courses": ("credly", "batch-sync", "/learn/v1/courses$", "docebo"),
    "enrollments": ("credly", "batch-sync", "/enrollments$", "docebo"),
    "users": ("credly", "batch-sync", "/user$", "docebo"),
}


@pytest.mark.req("GN-33", "CR-23")
@pytest.mark.parametrize(
    ("place", "kind"),
    [*((place, kind) for place in REQUESTS for kind in ("html_200", "wrong_types"))]
    + [(place, "endless_pages") for place in REQUESTS if place != "field"],  # one field is no list
)
def test_an_answer_that_is_wrong_ends_the_run_in_two_lines(world: World, place: str, kind: str) -> None:
    group, command, path, remote = REQUESTS[place]
    world.box.faults.add(Fault(kind, remote, "GET", path))
    try:
        err = refused(world, 4, group, command)
        assert remote.capitalize() in err
    finally:
        world.box.faults.clear()


def test_credentials_that_are_refused_name_the_connection(world: World) -> None:
    config = world.home / "config.toml"
    good = config.read_text()
    try:
        config.write_text(good.replace(world.box.credly.token, "wrong-token"))
        assert "Credly" in refused(world, 4, "credly", "sync-templates")
        config.write_text(good.replace(world.box.docebo.credentials.client_secret, "wrong-secret"))
        world.box.docebo.expire_tokens()  # a good token is kept for an hour
        assert "Docebo" in refused(world, 4, "credly", "sync-field")
    finally:
        config.write_text(good)
