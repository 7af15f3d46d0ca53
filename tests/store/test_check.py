"""`store check`: each thing that can be wrong is found, named, and nothing is changed by looking."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectctl.api import TableSpec
from connectctl.store import check, open_engine, open_store
from connectctl.store.check import Finding, database_findings, file_findings
from connectctl.store.store import Store

URL = "sqlite:///store.db"
LEDGER = (
    "INSERT INTO ledger (key, holding, flow, run, action, state, live, data, created_at, updated_at)"
    " VALUES (?, 'h', 'f', 'r', 'issue', 'done', 1, '{}', '', '')"
)


def examined(folder: Path, spec: TableSpec) -> list[Finding]:
    """What a look at the closed store finds; the look leaves every byte as it was."""
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    found = file_findings(folder / "store.db")
    with closing(open_engine(URL, folder, read_only=True)) as engine:
        found += database_findings(engine, {spec.name: spec})
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    shared = before.pop("store.db-shm", None), after.pop("store.db-shm", None)  # holds who is reading
    assert (after, shared[0] is None) == (before, shared[1] is None)
    return found


@pytest.fixture
def filled(tmp_path: Path, spec: TableSpec) -> Path:
    with open_store(URL, tmp_path) as store:
        store.table(spec).insert_multiple({"Course": f"c{n}", "Active": True, "Count": n} for n in range(3))
        store.documents("small").insert({"any": ["thing"]})
        store.execute(LEDGER, ("k1",))
    return tmp_path


def test_a_sound_store_has_no_findings(filled: Path, spec: TableSpec) -> None:
    assert examined(filled, spec) == []


def sql(*statements: str) -> Callable[[Path], None]:
    """Changes the store behind its back; {table} is the SQL table of badge-mappings."""

    def spoil(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as connection:
            (table,) = connection.execute("SELECT sqlname FROM _tables WHERE name='badge-mappings'").fetchone()
            for statement in statements:
                connection.execute(statement.replace("{table}", table))

    return spoil


def rights(name: str, mode: int) -> Callable[[Path], None]:
    return lambda folder: (folder / name).chmod(mode)


SPOILT: dict[str, tuple[Callable[[Path], None], str, str, bool]] = {
    "file rights": (rights("store.db", 0o644), "can be read by other users", "chmod 600 ", True),
    "gate rights": (rights("store.db-gate", 0o666), "store.db-gate can be read by other users", "chmod 600 ", True),
    "folder rights": (rights(".", 0o777), "can be written by other users", "chmod go-w ", True),
    "two live entries": (
        sql("DROP INDEX ledger_live", LEDGER.replace("?", "'k2'")),
        "holding h has 2 live entries",
        "ledger list",
        True,
    ),
    "no unique index": (sql("DROP INDEX ledger_live"), "(ledger_live) is missing", "store copy --to", True),
    "no plain index": (sql("DROP INDEX runs_flow"), "runs: the index runs_flow is missing", "store copy --to", True),
    "no key index": (sql("DROP INDEX {table}__key"), "keeps its key unique is missing", "store copy --to", True),
    "no table index": (sql("DROP INDEX {table}__ix0"), "badge-mappings: an index is missing", "store copy", True),
    "no core table": (sql("DROP TABLE cache"), "the table cache is missing", "backup", True),
    "no rows": (sql("DROP TABLE {table}"), "its rows are missing", "backup", True),
    "a cell of the wrong type": (
        sql("UPDATE {table} SET body=json_set(body,'$.Count','many') WHERE doc_id=2"),
        "Badge mappings #2: Count is the text 'many'",
        "lookup set badge-mappings '#2' Count=",
        True,
    ),
    "a required cell that is blank": (
        sql("UPDATE {table} SET body=json_remove(body,'$.Course') WHERE doc_id=1"),
        "Badge mappings #1: Course must not be blank",
        "lookup unset badge-mappings '#1'",
        True,
    ),
    "a row that is no JSON": (
        sql("DROP INDEX {table}__key", "DROP INDEX {table}__ix0", "UPDATE {table} SET body='{' WHERE doc_id=3"),
        "Badge mappings #3: the row is damaged",
        "lookup unset badge-mappings '#3'",
        True,
    ),
    "a column of old": (
        sql("UPDATE {table} SET body=json_set(body,'$.Colour','red') WHERE doc_id=2"),
        "no longer has: Colour",
        "nothing",
        False,
    ),
    "a plugin that is gone": (
        sql("UPDATE _tables SET name='once-there' WHERE name='badge-mappings'"),
        "once-there: no installed plugin declares it",
        "plugin list",
        False,
    ),
    "a newer schema": (sql("UPDATE meta SET value='99' WHERE key='schema_version'"), "newer connectctl", "pip", True),
    "half a copy": (sql("INSERT INTO meta VALUES('copying', 'begun|x')"), "is half a copy (begun)", "rm ", True),
}


@pytest.mark.parametrize(("spoil", "words", "fix", "wrong"), SPOILT.values(), ids=SPOILT.keys())
def test_what_is_wrong_is_found(
    spoil: Callable[[Path], None], words: str, fix: str, wrong: bool, filled: Path, spec: TableSpec
) -> None:
    spoil(filled)
    found = [finding for finding in examined(filled, spec) if words in finding.message]
    assert [finding.wrong for finding in found] == [wrong], examined(filled, spec)
    assert fix in found[0].fix


def test_many_bad_rows_are_counted_and_not_all_listed(filled: Path, spec: TableSpec) -> None:
    with open_store(URL, filled) as store:
        store.table(spec).insert_multiple({"Course": f"bad{n}", "Active": "perhaps"} for n in range(50))
    found = examined(filled, spec)
    assert len(found) == check.LISTED + 1
    assert found[-1].message == "Badge mappings: and 30 more"


def test_an_earlier_version_is_a_remark(filled: Path, spec: TableSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectctl.store.schema.STEPS", (*check.schema.STEPS, "CREATE TABLE later(x)"))
    (found,) = examined(filled, spec)
    assert (found.wrong, f"earlier version (schema {len(check.schema.STEPS) - 1} of" in found.message) == (False, True)


def test_rows_that_lie_in_the_log_alone_are_looked_at(tmp_path: Path, spec: TableSpec, script: Any) -> None:
    process = script("store = opened()\nstore.meta_set('a', 'b')\nprint('done', flush=True)\nsys.stdin.readline()\n")
    assert process.stdout.readline() == "done\n"
    process.kill()
    process.wait()
    with closing(sqlite3.connect(f"file:{tmp_path}/store.db?immutable=1", uri=True)) as bare:
        assert bare.execute("SELECT name FROM sqlite_master").fetchall() == []
    assert examined(tmp_path, spec) == []


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def garbage(share: float) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(int(path.stat().st_size * share))
            file.write(random.Random(7).randbytes(4096))

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        cut,
        garbage(0),
        *(garbage(share / 10) for share in range(1, 10)),
        lambda path: os.truncate(path, 0),
        lambda path: path.write_text("a shopping list\n" * 100),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to("elsewhere")),
    ],
)
def test_damage_is_reported_and_not_raised(spoil: Callable[[Path], object], filled: Path, spec: TableSpec) -> None:
    with open_store(URL, filled) as store:
        store.documents("much").insert_multiple({"text": str(n) * 300} for n in range(1000))
    path = filled / "store.db"
    spoil(path)
    found = file_findings(path)
    if path.is_file() and not path.is_symlink():
        with closing(open_engine(URL, filled, read_only=True)) as engine:
            found += database_findings(engine, {spec.name: spec})
    assert any(finding.wrong for finding in found)
    assert all(finding.fix for finding in found)


def test_an_emptied_file_beside_its_log_is_never_made_anew(tmp_path: Path, script: Any) -> None:
    process = script("store = opened()\nstore.meta_set('a', 'b')\nprint('done', flush=True)\nsys.stdin.readline()\n")
    assert process.stdout.readline() == "done\n"
    process.kill()
    process.wait()
    for spoil in (lambda: os.truncate(tmp_path / "store.db", 0), lambda: (tmp_path / "store.db").unlink()):
        spoil()
        log = (tmp_path / "store.db-wal").read_bytes()
        (found,) = file_findings(tmp_path / "store.db")
        assert "still in store.db-wal" in found.message
        with pytest.raises(check.StoreError, match=r"still in store\.db-wal"):
            open_store(URL, tmp_path)
        assert (tmp_path / "store.db-wal").read_bytes() == log


@pytest.mark.parametrize(
    ("patch", "value", "words"),
    [
        ("file_system", lambda _path: "nfs4", "network file system (nfs4)"),
        ("os.statvfs", lambda _path: SimpleNamespace(f_bavail=10, f_frsize=1024**2), "has 10 MiB left"),
        ("LONG_LOG", 1, "has grown to"),
    ],
)
def test_the_disk_is_looked_at(patch: str, value: Any, words: str, store: Store, monkeypatch: Any) -> None:
    assert store.check() == []
    monkeypatch.setattr(f"connectctl.store.check.{patch}", value)
    store.meta_set("a", "b")
    assert [words in line for line in store.check()] == [True]


def test_a_missing_index_is_mended_by_a_copy(filled: Path, spec: TableSpec) -> None:
    from connectctl.store.copy import copy

    sql("DROP INDEX ledger_live", "DROP INDEX runs_flow")(filled)
    with open_store(URL, filled) as store:
        assert len(store.check()) == 2
        copy(store, "sqlite:///repaired.db", filled)
    shutil.move(filled / "repaired.db", filled / "store.db")
    assert examined(filled, spec) == []
