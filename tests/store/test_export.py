"""`store export`: complete, of one moment, readable, private, and there as a whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import resource
import stat
from pathlib import Path
from typing import Any

import pytest

from connectctl.api import TableSpec
from connectctl.errors import StoreError, UsageError
from connectctl.store import open_store, schema
from connectctl.store.export import export
from connectctl.store.store import Store

URL = "sqlite:///store.db"
LEDGER = (
    "INSERT INTO ledger (key, holding, flow, run, action, state, live, data, created_at, updated_at)"
    " VALUES (?, 'h', 'f', 'r', 'issue', 'done', 0, '{\"user\": \"4711\"}', '', '')"
)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_everything_comes_out_readable(store: Store, spec: TableSpec, tmp_path: Path) -> None:
    store.table(spec).insert_multiple([{"Course": "=1+1", "Active": True}, {"Course": "é", "Count": 3, "Old": 1}])
    store.documents("Odd name/../x").insert({"half": "\ud83d", "n": [1, 2]})
    store.execute(LEDGER, ("k1",))
    store.execute(
        "INSERT INTO runs (id, flow, status, dry_run, params, summary) VALUES ('r1','f','succeeded',0,'{}','{\"a\":1}')"
    )
    store.executemany("INSERT INTO run_items (run, key, data) VALUES ('r1', ?, '{\"n\": 1}')", [("a",), ("b",)])
    manifest = export(store, tmp_path / "out", {spec.name: spec})
    out = tmp_path / "out"
    assert json.loads((out / "manifest.json").read_text()) == manifest
    assert (manifest["store_id"], manifest["schema_version"]) == (store.store_id, len(schema.STEPS))
    with (out / "lookup" / "badge-mappings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1:] == [["'=1+1", "", "true", "", ""], ["é", "", "", "3", ""]]
    assert lines(out / "ledger.jsonl")[0]["data"] == {"user": "4711"}
    assert lines(out / "runs.jsonl")[0]["summary"] == {"a": 1}
    assert [item["key"] for item in lines(out / "run_items.jsonl")] == ["a", "b"]
    (odd,) = (out / "documents").iterdir()
    assert lines(odd) == [{"id": 1, "rev": 1, "row": {"half": "\ud83d", "n": [1, 2]}}]
    by_file = {entry["file"]: entry for entry in manifest["files"]}
    assert by_file["lookup/badge-mappings.csv"]["columns_left_out"] == ["Old"]
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert found == by_file.keys() | {"manifest.json"}
    for name, entry in by_file.items():
        data = (out / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert data.count(b"\n") - (name.endswith(".csv")) == entry["rows"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*") if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (out, *out.rglob("*")) if path.is_dir()} == {0o700}


def test_it_is_of_one_moment_though_others_write(store: Store, tmp_path: Path) -> None:
    left, right = store.documents("left"), store.documents("right")

    def write(_file: str) -> None:
        with open_store(URL, tmp_path) as other, other.transaction():
            other.documents("left").insert({})
            other.documents("right").insert({})
            other.execute(LEDGER, (os.urandom(4).hex(),))

    left.insert({})
    right.insert({})
    manifest = export(store, tmp_path / "out", {}, write)
    rows = {entry["table"]: entry["rows"] for entry in manifest["files"]}
    assert (rows["left"], rows["right"], rows["ledger"]) == (1, 1, 0)
    assert len(left) == len(right) == len(manifest["files"]) + 1


@pytest.mark.parametrize("kind", ["full", "file", "dangling"])
def test_what_is_there_is_not_written_over(kind: str, store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if kind == "full":
        out.mkdir()
        (out / "mine").write_text("mine")
    elif kind == "file":
        out.write_text("mine")
    else:
        out.symlink_to("nowhere")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match="out is not"):
        export(store, out, {})
    assert sorted(tmp_path.iterdir()) == before


def test_an_empty_folder_and_one_that_is_linked_are_filled(store: Store, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    export(store, tmp_path / "link", {})
    assert (tmp_path / "real" / "manifest.json").exists()
    assert (tmp_path / "link").is_symlink()


def test_a_failure_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    store.documents("rows").insert_multiple({"text": "x" * 1000} for _ in range(1000))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = sorted(tmp_path.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, limit[1]))
    try:
        with pytest.raises(StoreError, match="out cannot be written"):
            export(store, tmp_path / "out", {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert sorted(tmp_path.iterdir()) == before
    assert store.engine.query("SELECT count(*) FROM ledger") == [(0,)]  # and the snapshot has ended
    store.meta_set("a", "b")


MANY = """
import resource
from connectctl.api import ColumnSpec, TableSpec
from connectctl.store.export import export
from connectctl.store.copy import copy
spec = TableSpec("many", "Many", (ColumnSpec("Course"), ColumnSpec("Text")), ("Course",))
store = opened()
def fill(first, last):
    with store.transaction():
        for start in range(first, last, 5000):
            store.executemany(f"INSERT INTO {store.place('many', spec)}(body) VALUES(?)",
                [('{"Course":"c%d","Text":"%s"}' % (n, "x" * 2000),) for n in range(start, start + 5000)])
            store.executemany("INSERT INTO run_items(run, data) VALUES(?, ?)", [("r", '{"a": "b"}')] * 5000)
def peak(what):
    what()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def both():
    export(store, store.path.with_name(f"out{ROWS}"), {"many": spec})
    copy(store, f"sqlite:///copy{ROWS}.db", store.path.parent)
ROWS = 5000
fill(0, 5000)
peak(both)
ROWS = 30_000
fill(5000, 30_000)  # also fills the 16 MiB that the connection may keep
before = peak(lambda: None)
print((peak(both) - before) // 1024)
"""


def test_memory_stays_flat(script: Any, finished: Any) -> None:
    # MiB more for 6 times the rows, over 60 MB: what the copy's connection keeps of its pages (16), and little else.
    assert int(finished(script(MANY))) < 24
