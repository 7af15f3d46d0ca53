# ruff: noqa: S608 -- names of tables come from the schema and from `_tables` alone
"""A store as files that people and programs can read: CSV for lookup tables, JSON lines for everything else."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectctl import __version__
from connectctl.errors import StoreError, UsageError
from connectctl.plugins.specs import TableSpec
from connectctl.store import schema
from connectctl.store.body import load
from connectctl.store.files import sync_folder
from connectctl.store.transfer import csv_lines

if TYPE_CHECKING:
    from connectctl.store.store import Store

# Columns that hold JSON come out as JSON and not as text within it.
DOCUMENTS = {("runs", "params"), ("runs", "summary"), ("run_items", "data"), ("ledger", "data"), ("cache", "value")}
MANIFEST = "manifest.json"
Manifest = dict[str, Any]


def _nothing(_name: str) -> None: ...


def export(
    store: Store, folder: Path, specs: Mapping[str, TableSpec], advance: Callable[[str], object] = _nothing
) -> Manifest:
    """Writes all tables, of one moment in time, into a new folder and returns its manifest.

    The folder appears when it is complete. `advance` hears the name of each file that is done. Memory stays flat. Files
    are for their owner alone (0600). Raises UsageError for a folder that holds something, StoreError when the disk
    refuses.
    """
    refuse_full(folder)
    target = Path(os.path.realpath(folder))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".unfinished", dir=target.parent))
        try:
            manifest = _write(store, temporary, specs, advance)
            os.replace(temporary, target)  # an empty folder of that name gives way
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(target.parent)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written: {error.strerror or error}", hint=f"df -h {shlex.quote(str(target.parent))}"
        ) from error
    return manifest


def refuse_full(folder: Path) -> None:
    """Raises UsageError unless the folder is empty or not there yet."""
    hint = shlex.join(["connectctl", "store", "export", f"{folder}-{datetime.now(UTC):%Y%m%d}"])
    if folder.is_dir():
        with suppress(OSError):
            if any(folder.iterdir()):
                raise UsageError(f"The folder {folder} is not empty", hint=hint)
    elif os.path.lexists(folder):
        raise UsageError(f"{folder} is not a folder", hint=hint)


def _write(store: Store, folder: Path, specs: Mapping[str, TableSpec], advance: Callable[[str], object]) -> Manifest:
    files: list[dict[str, Any]] = []
    engine = store.engine
    with engine.snapshot():
        manifest: Manifest = {
            "store_id": store.store_id,
            "schema_version": schema.version(engine),
            "connectctl": __version__,
            "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "files": files,
        }
        for table in schema.core_tables():
            columns = ", ".join(table.columns)
            sql = f"SELECT {columns} FROM {table.name} ORDER BY {', '.join(table.key)}"
            with engine.stream(sql) as rows:
                lines = _json_lines(_named(table.name, table.columns, rows))
                files.append(_file(folder, f"{table.name.strip('_')}.jsonl", table.name, lines))
            advance(files[-1]["file"])
        for name, sqlname in engine.query("SELECT name, sqlname FROM _tables ORDER BY name"):
            with engine.stream(f"SELECT doc_id, rev, body FROM {sqlname} ORDER BY doc_id") as rows:
                if name in specs:
                    files.append(_lookup(folder, specs[name], rows))
                else:
                    lines = _json_lines({"id": row[0], "rev": row[1], "row": load(row[2], name)} for row in rows)
                    files.append(_file(folder, f"documents/{sqlname.partition('_')[2]}.jsonl", name, lines))
            advance(files[-1]["file"])
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    _file(folder, MANIFEST, "", [text])
    for place in (folder, *(path for path in folder.iterdir() if path.is_dir())):
        sync_folder(place)
    return manifest


def _lookup(folder: Path, spec: TableSpec, stream: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    """A CSV as `lookup export` writes it; columns that the table no longer has are named in the manifest."""
    known = {column.name for column in spec.columns}
    gone: set[str] = set()

    def rows() -> Iterator[Mapping[str, Any]]:
        for _, _, body in stream:
            row = load(body, spec.name)
            gone.update(row.keys() - known)
            yield row

    made = _file(folder, f"lookup/{spec.name}.csv", spec.name, csv_lines(rows(), spec), header=1)
    return made | ({"columns_left_out": sorted(gone)} if gone else {})


def _named(table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {
            column: _readable(value) if (table, column) in DOCUMENTS else value
            for column, value in zip(columns, row, strict=True)
        }


def _readable(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        # Half a surrogate pair has no UTF-8: such a rare line is spelled in ASCII.
        line = json.dumps(row, ensure_ascii=False, default=bytes.hex)
        yield (line if _encodes(line) else json.dumps(row, default=bytes.hex)) + "\n"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _file(folder: Path, name: str, table: str, lines: Iterable[str], header: int = 0) -> dict[str, Any]:
    """Writes one file to the disk; its line in the manifest."""
    path = folder / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    digest, count = hashlib.sha256(), -header
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        for line in lines:
            data = line.encode("utf-8", "backslashreplace")
            file.write(data)
            digest.update(data)
            count += 1
        file.flush()
        os.fsync(descriptor)
    return {"file": name, "table": table, "rows": count, "sha256": digest.hexdigest()}
