"""Completions of one run, kept in a private temporary database, so that memory holds one part and not the run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator


class Spool:
    """Completions by source (`course:88`, `plan:12`), gone with the run.

    SQLite keeps what fits in its cache and puts the rest on disk.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA cache_size = -8192")
        self._db.execute(
            "CREATE TABLE completions (source TEXT, user TEXT, completed_at TEXT,"
            " PRIMARY KEY (source, user, completed_at)) WITHOUT ROWID"
        )
        self._db.execute(
            "CREATE TABLE people (id TEXT PRIMARY KEY, email TEXT, first_name TEXT, last_name TEXT) WITHOUT ROWID"
        )
        self._db.execute("CREATE INDEX people_email ON people(email)")

    def add_completions(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Keeps (source, user, completion time or ''); the same row twice counts once (pages may drift)."""
        self._db.executemany("INSERT OR IGNORE INTO completions VALUES (?,?,?)", rows)

    def forget(self, source: str, users: Iterable[str]) -> None:
        """Removes the completions of these users of a course or plan."""
        self._db.executemany("DELETE FROM completions WHERE source = ? AND user = ?", ((source, u) for u in users))

    def completions(self, source: str) -> Iterator[tuple[str, str]]:
        """(user, completion time) of a course or plan in order of time."""
        return iter(
            self._db.execute(
                "SELECT user, completed_at FROM completions WHERE source = ? ORDER BY completed_at, user", (source,)
            ).fetchall()
        )

    def count(self) -> int:
        """How many completions there are."""
        return int(self._db.execute("SELECT COUNT(*) FROM completions").fetchone()[0])

    def add_people(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Keeps (id, normal e-mail or '', first name, last name)."""
        self._db.executemany("INSERT OR REPLACE INTO people VALUES (?,?,?,?)", rows)

    def person(self, user: str) -> tuple[str, str, str] | None:
        """(e-mail, first name, last name), or None when Docebo has no such user."""
        row: tuple[str, str, str] | None = self._db.execute(
            "SELECT email, first_name, last_name FROM people WHERE id = ?", (user,)
        ).fetchone()
        return row

    def sharing(self, email: str) -> int:
        """How many users have this address (GN-16)."""
        return int(self._db.execute("SELECT COUNT(*) FROM people WHERE email = ?", (email,)).fetchone()[0])
