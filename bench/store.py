"""`make bench`: what the store costs beside the bare database and beside TinyDB's own file (`--quick`: small sizes).

The engines take turns within one run and every figure is a ratio of medians, so a loaded machine changes them little.
Bare sqlite3 does the same work: the same rows as JSON text, the same indexes, every commit on the disk, a dict at the
end. Exits 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinydb import TinyDB, where

from connectctl.api import ColumnSpec, TableSpec
from connectctl.store import open_store
from connectctl.store.store import Store

NAMES = ("user", "course", "template", "state", "ts", "score")
SPEC = TableSpec("bench", "Bench", tuple(map(ColumnSpec, NAMES)), key=(), indexes=("user", "ts"))
KEYED = TableSpec("keyed", "Keyed", SPEC.columns, key=("user", "ts"))
ROUNDS = 5
CACHE = Path(__file__).parents[1] / ".cache"
MEMORY = Path("/dev/shm")  # noqa: S108 a private folder is made in it
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
decode = json.JSONDecoder().raw_decode
Step = Callable[[int], Any]


def document(number: int) -> dict[str, Any]:
    """About 150 bytes, six fields."""
    return {
        "user": f"user-{number:08d}@example.org",
        "course": number % 500,
        "template": f"template-{number % 40}",
        "state": "done" if number % 10 else "failed",
        "ts": f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}T{number % 24:02d}:00:00Z",
        "score": number % 101 / 100,
    }


class Bare:
    """What a careful person writes on sqlite3 alone."""

    def __init__(self, path: Path, size: int) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-16384", "journal_size_limit=67108864"):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.execute(
            "CREATE TABLE d(doc_id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, rev INTEGER DEFAULT 1)"
        )
        for name in SPEC.indexes:
            self.db.execute(f"CREATE INDEX d_{name} ON d(json_extract(body,'$.\"{name}\"'))")
        self.many(1, size)

    def get(self, number: int) -> Any:
        row = self.db.execute("SELECT rev, body FROM d WHERE doc_id=?", (number,)).fetchone()
        return decode(row[1])[0]

    def search(self, number: int) -> Any:
        sql = "SELECT doc_id, rev, body FROM d WHERE json_extract(body,'$.\"user\"')=?"
        return [
            (doc_id, rev, decode(body)[0]) for doc_id, rev, body in self.db.execute(sql, (document(number)["user"],))
        ]

    def insert(self, number: int) -> Any:
        self.db.execute("BEGIN IMMEDIATE")
        self.db.execute("INSERT INTO d(body) VALUES(?)", (encode(document(number)),))
        self.db.execute("COMMIT")

    def update(self, number: int) -> Any:
        self.db.execute("BEGIN IMMEDIATE")
        row = self.get(number)
        row["score"] += 1
        self.db.execute("UPDATE d SET body=?, rev=rev+1 WHERE doc_id=?", (encode(row), number))
        self.db.execute("COMMIT")

    def many(self, first: int, count: int = 1000) -> Any:
        self.db.execute("BEGIN IMMEDIATE")
        rows = ((encode(document(number)),) for number in range(first, first + count))
        self.db.executemany("INSERT INTO d(body) VALUES(?)", rows)
        self.db.execute("COMMIT")


class Ours:
    """The store, through TinyDB's API."""

    def __init__(self, folder: Path, size: int) -> None:
        self.store = open_store("sqlite:///store.db", folder)
        self.table = self.store.table(SPEC)
        self.many(1, size)

    def get(self, number: int) -> Any:
        return self.table.get(doc_id=number)

    def search(self, number: int) -> Any:
        return self.table.search(where("user") == document(number)["user"])

    def insert(self, number: int) -> Any:
        self.table.insert(document(number))

    def update(self, number: int) -> Any:
        def rise(row: Any) -> None:
            row["score"] += 1

        self.table.update(rise, doc_ids=[number])

    def many(self, first: int, count: int = 1000) -> Any:
        self.table.insert_multiple(document(number) for number in range(first, first + count))


class Stock(Ours):
    """TinyDB as it comes: one JSON file."""

    def __init__(self, folder: Path, size: int) -> None:
        # No query cache: what is asked twice would cost nothing, and be wrong once another process has written.
        self.table = TinyDB(folder / "stock.json").table("bench", cache_size=0)  # type: ignore[assignment]
        self.many(1, size)


class Bars:
    """The table that is printed; `missed` when any figure is beyond its bar."""

    def __init__(self) -> None:
        self.missed = 0
        print(f"{'':5}{'':50}{'bar':>12}{'measured':>12}")

    def at_most(self, name: str, what: str, bar: float, measured: float, unit: str = "x") -> None:
        self._line(name, what, f"<= {bar:g}{unit}", f"{measured:.2f}{unit}", measured <= bar)

    def at_least(self, name: str, what: str, bar: float, measured: float) -> None:
        self._line(name, what, f">= {bar:,.0f}x", f"{measured:,.0f}x", measured >= bar)

    def note(self, what: str, measured: float) -> None:
        self._line("", what, "", f"{measured:.2f}x", good=True)

    def _line(self, name: str, what: str, bar: str, measured: str, good: bool) -> None:
        self.missed += not good
        print(f"{name:5}{what:50}{bar:>11}{measured:>12}{'' if good else '  MISSED'}", flush=True)


def medians(engines: dict[str, Step], numbers: list[int], rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds per call; within a round the engines take turns call by call, a round's figure is its median call."""
    found: dict[str, list[float]] = {name: [] for name in engines}
    for step in engines.values():  # what is done once, such as preparing a statement
        step(numbers[-1])
    for turn in range(rounds):
        taken: dict[str, list[float]] = {name: [] for name in engines}
        for place, number in enumerate(numbers[turn::rounds]):
            for name, step in sorted(engines.items(), reverse=bool(place % 2)):  # nobody is always the first
                started = time.perf_counter()
                step(number)
                taken[name].append(time.perf_counter() - started)
        for name, times in taken.items():
            found[name].append(statistics.median(times))
    return {name: statistics.median(times) for name, times in found.items()}


def spread(size: int, count: int) -> list[int]:
    """`count` ids all over the table, the same ones every time."""
    return [1 + (number * 7919) % size for number in range(count)]


@contextmanager
def folder(*, memory: bool = False) -> Iterator[Path]:
    """On the disk, or in memory where the wait for the disk, equal for all, would hide what is measured."""
    with tempfile.TemporaryDirectory(dir=MEMORY if memory and MEMORY.is_dir() else CACHE) as path:
        yield Path(path)


def against_bare(bars: Bars, size: int, count: int) -> None:
    with folder() as path:
        bare, ours = Bare(path / "bare.db", size), Ours(path, size)
        for name, what, bar, step, calls in (
            ("S1", "point get", 1.6, "get", count * 10),
            ("S2", "indexed equality", 2.0, "search", count * 10),
            ("S3", "insert, each on the disk", 1.4, "insert", count),
            ("S3", "update one, each on the disk", 1.6, "update", count),
        ):
            bars.at_most(name, f"{what}, beside sqlite3", bar, compared(bare, ours, step, spread(size, calls)))
        blocks = [size * 10 + 1000 * number for number in range(15)]
        ratio = compared(bare, ours, "many", blocks)
        bars.at_most("S3", "insert_multiple(1000), beside executemany", 1.6, ratio)
        ours.store.close()
        bare.db.close()
    with folder(memory=True) as path:
        bare, ours = Bare(path / "bare.db", size), Ours(path, size)
        for step in ("insert", "update"):
            bars.note(f"{step} without the wait for the disk", compared(bare, ours, step, spread(size, count * 2)))
        ours.store.close()
        bare.db.close()


def compared(bare: Bare, ours: Ours, step: str, numbers: list[int]) -> float:
    """How many times as long as bare sqlite3."""
    found = medians({"bare": getattr(bare, step), "ours": getattr(ours, step)}, numbers)
    return found["ours"] / found["bare"]


def against_stock(bars: Bars, size: int, least: tuple[int, int, int], calls: int) -> None:
    with folder(memory=True) as path:
        stock, ours = Stock(path, size), Ours(path, size)
        few, many = spread(size, calls), spread(size, 300)
        for step, bar in zip(("get", "search", "insert"), least, strict=True):
            ratios = []
            for turn in range(3):  # in blocks: a call of TinyDB's leaves nothing of ours in the processor's cache
                slow = medians({"stock": getattr(stock, step)}, few[turn::3], rounds=1)["stock"]
                ratios.append(slow / medians({"ours": getattr(ours, step)}, many, rounds=1)["ours"])
            bars.at_least("S4", f"{step} at {size:,} rows, faster than TinyDB's JSON", bar, statistics.median(ratios))
        ours.store.close()


def growth(bars: Bars, small: int, large: int) -> None:
    """The same work at both sizes, each in a process of its own for the memory."""
    with folder() as path:
        peaks = {}
        for size in (small, large):
            (path / str(size)).mkdir()
            command = [sys.executable, __file__, "--peak", str(path / str(size)), str(size)]
            peaks[size] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        engines = {size: open_store("sqlite:///store.db", path / str(size)) for size in (small, large)}
        for step in ("get", "search"):
            found = medians({str(size): at(store, size, step) for size, store in engines.items()}, list(range(2000)))
            ratio = found[str(large)] / found[str(small)]
            bars.at_most("S5", f"{step} at {large:,} rows, beside {small:,}", 2.0, ratio)
        bars.at_most("S5", f"peak memory at {large:,} rows, beside {small:,}", 1.3, peaks[large] / peaks[small])


def at(store: Store, size: int, step: str) -> Step:
    table = store.table(SPEC)
    if step == "get":
        return lambda number: table.get(doc_id=1 + (number * 7919) % size)
    return lambda number: table.search(where("user") == document(1 + (number * 7919) % size)["user"])


def peak(path: Path, size: int) -> None:
    """Loads the rows, reads some and walks through all; prints the peak memory in MiB."""
    with open_store("sqlite:///store.db", path) as store:
        table = store.table(SPEC)
        table.insert_multiple(document(number) for number in range(1, size + 1))
        assert sum(1 for _ in table) == size
        assert table.count(where("score") == 0.5) == len(range(50, size + 1, 101))
        for number in range(100):
            at(store, size, "get")(number)
            at(store, size, "search")(number)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def bulk(bars: Bars, size: int) -> None:
    """Seconds for many rows by key: all new, all changed, all the same."""
    with folder() as path, open_store("sqlite:///store.db", path) as store:
        table = store.table(KEYED)
        for what, change in (("new", 0), ("changed", 1), ("unchanged", 1)):
            started = time.process_time()  # not the wall: other programs take turns
            table.upsert_many({**document(number), "course": change} for number in range(size))
            seconds = (time.process_time() - started) / size * 100_000
            bars.at_most("", f"upsert_many of 100,000 rows, all {what}, processor", 8, seconds, " s")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="small sizes, a few seconds")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        peak(Path(options.peak[0]), int(options.peak[1]))
        return 0
    CACHE.mkdir(exist_ok=True)
    bars = Bars()
    against_bare(bars, 2_000 if options.quick else 100_000, 100 if options.quick else 1_000)
    against_stock(bars, 1_000, (50, 30, 10), 15 if options.quick else 60)
    if not options.quick:
        against_stock(bars, 100_000, (8_000, 3_000, 2_000), 6)
    growth(bars, 1_000, 20_000 if options.quick else 1_000_000)
    bulk(bars, 5_000 if options.quick else 100_000)
    return 1 if bars.missed else 0


if __name__ == "__main__":
    sys.exit(main())
