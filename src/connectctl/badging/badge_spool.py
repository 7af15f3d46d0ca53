"""The credentials of one import, kept in a private temporary database, so that memory holds one block and not all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from connectctl.badging.chains import Chain, Successor, from_json, linked, to_json
from connectctl.badging.provider import Credential
from connectctl.badging.spool import Spool
from connectctl.docebo.certifications import Award
from connectctl.docebo.training import Training

BLOCK = 500  # chains, or users with an award, that are planned at once


class BadgeSpool(Spool):
    """Credentials with their addresses, and what Docebo has of their owners; gone with the run."""

    def __init__(self) -> None:
        super().__init__()
        for statement in (
            "CREATE TABLE badges (id TEXT PRIMARY KEY, template TEXT, replaces TEXT, replaced_by TEXT, root TEXT,"
            " ours INTEGER, deleted INTEGER, wanted INTEGER, owner TEXT, data TEXT) WITHOUT ROWID",
            "CREATE INDEX badges_root ON badges(template, root)",
            "CREATE INDEX badges_owner ON badges(owner, template, root)",
            "CREATE INDEX badges_successor ON badges(replaced_by) WHERE replaced_by IS NOT NULL",
            "CREATE TABLE addresses (badge TEXT, email TEXT, PRIMARY KEY (badge, email)) WITHOUT ROWID",
            "CREATE INDEX addresses_email ON addresses(email)",
            "CREATE TABLE looked (email TEXT PRIMARY KEY) WITHOUT ROWID",
            "CREATE TABLE trainings (user TEXT, id TEXT, code TEXT, link TEXT, PRIMARY KEY (user, id)) WITHOUT ROWID",
            "CREATE INDEX trainings_code ON trainings(code)",
            "CREATE TABLE awards (user TEXT, code TEXT, id TEXT, data TEXT, PRIMARY KEY (user, code, id))"
            " WITHOUT ROWID",
            "CREATE TABLE bearers (part TEXT, badge TEXT, user TEXT, PRIMARY KEY (part, badge, user)) WITHOUT ROWID",
            "CREATE TABLE needy (kind TEXT, user TEXT, PRIMARY KEY (kind, user)) WITHOUT ROWID",
            "CREATE TABLE events (id TEXT PRIMARY KEY, at TEXT) WITHOUT ROWID",
        ):
            self._db.execute(statement)
        self.everybody = False  # whether all users of the platform are here

    # -- credentials ------------------------------------------------------------------------------------------------

    def add_badges(self, rows: Iterable[tuple[Credential, bool, bool]], *, deleted: bool = False) -> None:
        """Keeps (credential, issued by us, whether its owner has to be found); of the same one twice the newest."""
        for one, ours, wanted in rows:
            known = self._db.execute("SELECT data FROM badges WHERE id = ?", (one.id,)).fetchone()
            if known is not None and not deleted and not _is_newer(one, from_json(json.loads(known[0]))):
                continue
            self._db.execute("DELETE FROM addresses WHERE badge = ?", (one.id,))
            self._db.execute(
                "INSERT OR REPLACE INTO badges VALUES (?,?,?,?,NULL,?,?,?,NULL,?)",
                (one.id, one.template_id, one.replaces, one.replaced_by, ours, deleted, wanted, _text(to_json(one))),
            )
            self._db.executemany("INSERT INTO addresses VALUES (?,?)", ((one.id, email) for email in one.emails))

    def count_badges(self) -> int:
        """How many credentials there are."""
        return int(self._db.execute("SELECT COUNT(*) FROM badges").fetchone()[0])

    def knows(self, badge: str) -> bool:
        """Whether a credential of this id was read."""
        return self._db.execute("SELECT 1 FROM badges WHERE id = ?", (badge,)).fetchone() is not None

    def forget_badge(self, badge: str) -> None:
        """Removes one credential."""
        self._db.execute("DELETE FROM addresses WHERE badge = ?", (badge,))
        self._db.execute("DELETE FROM badges WHERE id = ?", (badge,))

    def link_up(self) -> None:
        """Finds the root of every chain. A credential that says what it replaced has that as its root where it cannot
        be seen; one that replaced another template's begins a chain of its own.
        """
        db = self._db
        db.execute(
            "UPDATE badges SET replaces = (SELECT p.id FROM badges p WHERE p.replaced_by = badges.id) WHERE replaces IS"
            " NULL AND EXISTS (SELECT 1 FROM badges p WHERE p.replaced_by = badges.id)"
        )
        db.execute(
            "UPDATE badges SET root = CASE WHEN replaces IS NULL OR replaces = id THEN id"
            " WHEN NOT EXISTS (SELECT 1 FROM badges p WHERE p.id = badges.replaces) THEN replaces"
            " WHEN NOT EXISTS (SELECT 1 FROM badges p WHERE p.id = badges.replaces AND p.template = badges.template)"
            " THEN id END"
        )
        grown = 1
        while grown:  # as often as the longest chain has links
            grown = db.execute(
                "UPDATE badges SET root = (SELECT p.root FROM badges p WHERE p.id = badges.replaces) WHERE root IS NULL"
                " AND (SELECT p.root FROM badges p WHERE p.id = badges.replaces) IS NOT NULL"
            ).rowcount
        db.execute("UPDATE badges SET root = id WHERE root IS NULL")  # a ring

    def credential(self, badge: str) -> Credential | None:
        """The credential, where it was read."""
        row = self._db.execute("SELECT data FROM badges WHERE id = ?", (badge,)).fetchone()
        return None if row is None else from_json(json.loads(row[0]))

    def add_event(self, event: str, at: datetime) -> None:
        """Keeps the id of an event, and when it happened."""
        self._db.execute("INSERT OR IGNORE INTO events VALUES (?,?)", (event, at.astimezone(UTC).isoformat()))

    def events(self, since: datetime) -> Iterator[list[str]]:
        """The ids of those since the moment in blocks, in order; one empty block where there are none."""
        rows = self._db.execute(
            "SELECT id FROM events WHERE at >= ? ORDER BY id", (since.astimezone(UTC).isoformat(),)
        ).fetchall()
        for start in range(0, len(rows) or 1, BLOCK):
            yield [event for (event,) in rows[start : start + BLOCK]]

    # -- owners -----------------------------------------------------------------------------------------------------

    def addresses(self) -> Iterator[str]:
        """The addresses that nobody has looked for yet, of the credentials whose owners have to be found."""
        rows = self._db.execute(
            "SELECT DISTINCT a.email FROM addresses a JOIN badges b ON b.id = a.badge WHERE b.wanted"
            " AND NOT EXISTS (SELECT 1 FROM looked l WHERE l.email = a.email) ORDER BY a.email"
        )
        return (email for (email,) in rows.fetchall())

    def count_addresses(self) -> int:
        """How many those are."""
        row = self._db.execute(
            "SELECT COUNT(DISTINCT a.email) FROM addresses a JOIN badges b ON b.id = a.badge WHERE b.wanted"
            " AND NOT EXISTS (SELECT 1 FROM looked l WHERE l.email = a.email)"
        ).fetchone()
        return int(row[0])

    def add_looked(self, emails: Iterable[str]) -> None:
        """Notes that all users with these addresses are here."""
        self._db.executemany("INSERT OR IGNORE INTO looked VALUES (?)", ((email,) for email in emails))

    def users_of(self, emails: Iterable[str]) -> list[str]:
        """The users with one of these addresses, in order of their ids."""
        found: set[str] = set()
        for email in emails:
            found.update(row[0] for row in self._db.execute("SELECT id FROM people WHERE email = ?", (email,)))
        return sorted(found)

    def owned(self, badge: str) -> Credential | None:
        """The credential, where it has an owner."""
        row = self._db.execute("SELECT data FROM badges WHERE id = ? AND owner IS NOT NULL", (badge,)).fetchone()
        return None if row is None else from_json(json.loads(row[0]))

    def unknown(self) -> int:
        """How many addresses that were looked for belong to nobody."""
        row = self._db.execute(
            "SELECT COUNT(*) FROM (SELECT DISTINCT a.email FROM addresses a JOIN badges b ON b.id = a.badge"
            " WHERE b.wanted) e WHERE NOT EXISTS (SELECT 1 FROM people p WHERE p.email = e.email)"
        ).fetchone()
        return int(row[0])

    def assign(self) -> None:
        """Writes down which credentials belong to which one user, for `claims_of`."""
        self._db.execute(
            "UPDATE badges SET owner = (SELECT p.id FROM addresses a JOIN people p ON p.email = a.email"
            " WHERE a.badge = badges.id ORDER BY p.id LIMIT 1)"
        )

    # -- blocks -----------------------------------------------------------------------------------------------------

    def chains_of(self, template: str) -> Iterator[list[Chain]]:
        """The chains of a template in blocks, in order of their roots; one empty block where there are none."""
        last, any_yet = "", False
        while True:
            roots = self._db.execute(
                "SELECT DISTINCT root FROM badges WHERE template = ? AND root > ? ORDER BY root LIMIT ?",
                (template, last, BLOCK),
            ).fetchall()
            if not roots:
                break
            last, any_yet = roots[-1][0], True
            yield [self.chain(template, root) for (root,) in roots]
        if not any_yet:
            yield []

    def claims_of(self, templates: Sequence[str]) -> Iterator[list[Chain]]:
        """The chains of several templates in blocks; all of one user stand in the same block."""
        last, any_yet = "", False
        while True:
            users = self._db.execute(
                "SELECT DISTINCT owner FROM badges WHERE template IN (SELECT value FROM json_each(?)) AND owner > ?"
                " ORDER BY owner LIMIT ?",
                (json.dumps(list(templates)), last, BLOCK),
            ).fetchall()
            if not users:
                break
            last, any_yet = users[-1][0], True
            yield [chain for (user,) in users for chain in self._of_owner(templates, user)]
        for template in templates:
            for block in self._ownerless(template):
                any_yet = True
                yield block
        if not any_yet:
            yield []

    def _of_owner(self, templates: Sequence[str], user: str) -> list[Chain]:
        rows = self._db.execute(
            "SELECT DISTINCT template, root FROM badges WHERE owner = ?"
            " AND template IN (SELECT value FROM json_each(?)) ORDER BY template, root",
            (user, json.dumps(list(templates))),
        ).fetchall()
        return [chain for template, root in rows if self._leader(chain := self.chain(template, root)) == user]

    def _ownerless(self, template: str) -> Iterator[list[Chain]]:
        last = ""
        while True:
            rows = self._db.execute(
                "SELECT DISTINCT root FROM badges WHERE template = ? AND root > ? AND owner IS NULL"
                " ORDER BY root LIMIT ?",
                (template, last, BLOCK),
            ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            block = [chain for (root,) in rows if self._leader(chain := self.chain(template, root)) is None]
            if block:
                yield block

    def _leader(self, chain: Chain) -> str | None:
        """The owner of the newest of a chain: it may have had another address before it was replaced."""
        row = self._db.execute("SELECT owner FROM badges WHERE id = ?", (chain.newest.id,)).fetchone()
        owner: str | None = row[0]
        return owner

    def chain(self, template: str, root: str) -> Chain:
        """One chain with its owners."""
        rows = self._db.execute(
            "SELECT ours, deleted, data FROM badges WHERE template = ? AND root = ?", (template, root)
        ).fetchall()
        credentials = linked([from_json(json.loads(data)) for _, _, data in rows])
        newest = credentials[-1]
        gone = self._db.execute("SELECT deleted FROM badges WHERE id = ?", (newest.id,)).fetchone()[0]
        emails = sorted(newest.emails)
        looked = self.everybody or any(
            self._db.execute("SELECT 1 FROM looked WHERE email = ?", (email,)).fetchone() for email in emails
        )
        users = self.users_of(emails)
        earner = newest.earner_id
        known = bool(earner) and users != [earner] and self.person(str(earner)) is not None
        return Chain(
            root,
            credentials,
            tuple(users) if looked or users or not emails else None,
            any(ours for ours, _, _ in rows),
            known,
            self._successor(newest),
            bool(gone),
        )

    def _successor(self, newest: Credential) -> Successor:
        if not newest.replaced and not newest.replaced_by:
            return ""
        row = self._db.execute("SELECT template FROM badges WHERE id = ?", (newest.replaced_by,)).fetchone()
        row = row or self._db.execute("SELECT template FROM badges WHERE replaces = ?", (newest.id,)).fetchone()
        return "unknown" if row is None or row[0] == newest.template_id else "other"

    def lone_chains(self, template: str) -> list[Chain]:
        """The chains of a template whose newest names a successor that was not read."""
        rows = self._db.execute(
            "SELECT DISTINCT root FROM badges b WHERE template = ? AND replaced_by IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM badges s WHERE s.id = b.replaced_by) ORDER BY root",
            (template,),
        ).fetchall()
        found = [self.chain(template, root) for (root,) in rows]
        return [chain for chain in found if chain.successor == "unknown" and chain.newest.replaced_by]

    # -- what Docebo has --------------------------------------------------------------------------------------------

    def add_needy(self, kind: str, users: Iterable[str]) -> None:
        """Users whose trainings or awards have to be read."""
        self._db.executemany("INSERT OR IGNORE INTO needy VALUES (?,?)", ((kind, user) for user in users))

    def needy(self, kind: str) -> list[str]:
        """Those users, in order."""
        rows = self._db.execute("SELECT user FROM needy WHERE kind = ? ORDER BY user", (kind,)).fetchall()
        return [user for (user,) in rows]

    def add_trainings(self, rows: Iterable[Training]) -> None:
        """Keeps the trainings that bear a code: ours do."""
        self._db.executemany(
            "INSERT OR IGNORE INTO trainings VALUES (?,?,?,?)",
            ((one.user_id, one.id, one.code, one.link) for one in rows if one.code),
        )

    def trainings(self, chains: Sequence[Chain]) -> dict[str, list[Training]]:
        """The trainings that bear the ids of these chains, whosesoever they are, by user."""
        ids = sorted({id for chain in chains for id in chain.ids})
        rows = self._db.execute(
            "SELECT user, id, code, link FROM trainings WHERE code IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(ids),),
        )
        found: dict[str, list[Training]] = {}
        for user, id, code, link in rows:
            found.setdefault(user, []).append(Training(id, user, "", code, "", None, None, link))
        return found

    def add_bearers(self, part: str, rows: Iterable[tuple[str, str]]) -> None:
        """Keeps (credential, user): who has what a part made from a credential, by the ledger's word."""
        self._db.executemany("INSERT OR IGNORE INTO bearers VALUES (?,?,?)", ((part, *row) for row in rows))

    def bearers(self, part: str, chains: Sequence[Chain]) -> dict[str, frozenset[str]]:
        """Those users by the credentials of these chains."""
        ids = sorted({id for chain in chains for id in chain.ids})
        rows = self._db.execute(
            "SELECT badge, user FROM bearers WHERE part = ? AND badge IN (SELECT value FROM json_each(?))",
            (part, json.dumps(ids)),
        )
        found: dict[str, set[str]] = {}
        for badge, user in rows:
            found.setdefault(badge, set()).add(user)
        return {badge: frozenset(users) for badge, users in found.items()}

    def add_awards(self, rows: Iterable[Award]) -> None:
        """Keeps awards by user and code."""
        self._db.executemany(
            "INSERT OR IGNORE INTO awards VALUES (?,?,?,?)",
            ((one.user_id, one.certification_id, one.id, _text(_award_to_json(one))) for one in rows),
        )

    def awards(self, user: str, certification: str) -> list[Award]:
        """A user's awards of one certification."""
        rows = self._db.execute(
            "SELECT data FROM awards WHERE user = ? AND code = ? ORDER BY id", (user, certification)
        ).fetchall()
        return [_award_from_json(json.loads(data)) for (data,) in rows]


def _is_newer(one: Credential, other: Credential) -> bool:
    """Whether a second sight of a credential is to be believed rather than the first."""
    if one.updated_at and other.updated_at:
        return one.updated_at > other.updated_at
    return bool(one.updated_at)


def _text(values: Any) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def _award_to_json(award: Award) -> dict[str, Any]:
    values = {name: getattr(award, name) for name in Award.__slots__ if name != "changed_at"}
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()}


def _award_from_json(values: dict[str, Any]) -> Award:
    for name in ("issued_at", "expires_at"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Award(**values)
