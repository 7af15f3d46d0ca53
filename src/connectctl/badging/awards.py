"""The awards of the mapped certifications, read in bulk: all, or of those users whose awards changed (CR-29)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectctl.badging.completions import OVERLAP, Reading
from connectctl.badging.earnings import Earning
from connectctl.badging.window import LATE
from connectctl.docebo import certifications
from connectctl.docebo.certifications import Award
from connectctl.errors import AuthFailed, RemoteRefused
from connectctl.model import Problem, RunContext

FIELDS = ("id", "certification_id", "code", "user_id", "origin_type", "origin_id", "source", "link", "external_id")


@dataclass(frozen=True, slots=True)
class Known:
    """A certification code as Docebo has it: several certifications may share one."""

    name: str
    ids: tuple[str, ...]


def known_codes(ctx: RunContext, codes: Collection[str], problems: list[Problem], *, whole: bool) -> dict[str, Known]:
    """The wanted certifications by code, those that Docebo does not have left out.

    They are remembered: the list is read only for a code that is not known yet or was shared by several, or when the
    `whole` is wanted.
    """
    docebo = ctx.client("docebo")
    known = ctx.cached(f"certifications/{docebo.account}")
    if codes and (whole or any(code not in known or len(known[code]["ids"]) > 1 for code in codes)):
        bad: list[str] = []
        found: dict[str, dict[str, Any]] = {}
        for one in sorted(certifications.walk(docebo, on_bad=bad.append), key=lambda one: one.id):
            entry = found.setdefault(one.code.strip(), {"name": one.name, "ids": []})
            entry["ids"].append(one.id)
        problems += [Problem("certification", description) for description in bad]
        for gone in set(known) - set(found) if not bad else ():
            del known[gone]
        for code, entry in found.items():
            if code and known.get(code) != entry:
                known[code] = entry
    return {code: Known(known[code]["name"], tuple(known[code]["ids"])) for code in codes if code in known}


class AwardSpool:
    """Awards of one run by certification and user, in a private temporary database, gone with the run."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA cache_size = -8192")
        self._db.execute(
            "CREATE TABLE awards (code TEXT, user TEXT, id TEXT, data TEXT, PRIMARY KEY (code, user, id)) WITHOUT ROWID"
        )

    def add(self, code: str, awards: Iterable[Award]) -> None:
        """Keeps awards; one that comes again counts as it came last."""
        rows = ((code, award.user_id, award.id, _to_json(award)) for award in awards)
        self._db.executemany("INSERT OR REPLACE INTO awards VALUES (?,?,?,?)", rows)

    def people(self, code: str) -> Iterator[tuple[str, list[Award]]]:
        """Each user who has awards of the certification, with all of them."""
        user, awards = None, list[Award]()
        rows = self._db.execute("SELECT user, data FROM awards WHERE code = ? ORDER BY user, id", (code,))
        for next_user, data in rows.fetchall():
            if user not in (None, next_user):
                yield str(user), awards
                awards = []
            user = next_user
            awards.append(_from_json(data))
        if user is not None:
            yield str(user), awards

    def count(self) -> int:
        """How many awards there are."""
        return int(self._db.execute("SELECT COUNT(*) FROM awards").fetchone()[0])


@dataclass(slots=True)
class AwardReading:
    """Reads the awards of the mapped certifications into the spool; cursors and open items are those of `reading`."""

    ctx: RunContext
    reading: Reading
    spool: AwardSpool = field(default_factory=AwardSpool)
    complete: bool = True  # False: something could not be read, so no cursor of a certification may move past it
    unread: set[str] = field(default_factory=set)  # codes of which a listing is not whole: nothing is revoked by it

    def read(self, earned: Sequence[Earning], codes: Mapping[str, Known]) -> None:
        """One listing for the certifications that are new, one for those that go on.

        Of the latter only the changed awards come; whose awards they are, and who was left open, is then read
        whole: what counts is the newest award a user has, and that one need not have changed.
        """
        fresh: list[Earning] = []
        known: list[tuple[Earning, datetime]] = []
        for earning in earned:
            position = self.reading.window.position(self.ctx, earning, self.reading.account)
            if position is None:
                fresh.append(earning)
            else:
                known.append((earning, position))
        new, before = sorted({earning.id for earning in fresh}), self.reading.newest
        seen = self._list(new, codes, users=self.reading.window.users) or before
        self.reading.positions |= {earning.part: seen for earning in fresh}
        for earning, position in known:
            if earning.id in new:  # another template of it is new, so all of it was just read
                self.reading.positions[earning.part] = max(position, seen) if seen else position
        self._go_on([(earning, position) for earning, position in known if earning.id not in new], codes)

    def _go_on(self, known: Sequence[tuple[Earning, datetime]], codes: Mapping[str, Known]) -> None:
        if not known:
            return
        users: set[str] = set()
        for earning, _ in known:
            items = self.ctx.open_items(earning.part)
            users.update(str(item.data["user"]) for item in items)
            self.reading.remembered |= {str(item.data["user"]): item.data for item in items if item.data.get("at")}
        wanted, since = sorted({earning.id for earning, _ in known}), min(position for _, position in known) - LATE
        seen = self._list(wanted, codes, since=since, users_seen=users)
        if users:
            self._list(wanted, codes, users=sorted(users))
        for earning, position in known:
            self.reading.positions[earning.part] = max(position, seen) if seen else position

    def _list(
        self,
        wanted: Sequence[str],
        codes: Mapping[str, Known],
        *,
        users: Sequence[str] = (),
        since: datetime | None = None,
        users_seen: set[str] | None = None,
    ) -> datetime | None:
        """Into the spool, or with `users_seen` only whose awards they are; the newest change seen.

        A list that cannot be had is a problem of these certifications; courses and plans go on (GN-19).
        """
        newest: datetime | None = None

        def on_seen(changed: datetime) -> None:
            nonlocal newest
            if changed < self.ctx.now + OVERLAP and (newest is None or changed > newest):
                newest = changed  # a row from the far future says nothing about the platform's clock

        def on_bad(description: str) -> None:
            self._miss(wanted, Problem("certification award", description))

        by_id = {id: code for code in wanted for id in codes[code].ids}
        if not by_id:
            return None
        how: dict[str, Any] = {"users": users, "updated_from": since, "on_bad": on_bad, "on_seen": on_seen}
        try:
            for award in certifications.awards(self.ctx.client("docebo"), sorted(by_id), **how):
                if users_seen is None:
                    self.spool.add(by_id[award.certification_id], [award])
                else:
                    users_seen.add(award.user_id)
        except AuthFailed:
            raise
        except RemoteRefused as error:
            self._miss(wanted, Problem("certification awards", error.message))
        if newest is not None:
            newest = min(newest, self.ctx.now)
            self.reading.newest = max(newest, self.reading.newest or newest)
        return newest

    def _miss(self, wanted: Sequence[str], problem: Problem) -> None:
        self.complete = False
        self.unread.update(wanted)
        self.reading.problems.append(problem)


def imported(ctx: RunContext, awards: Sequence[Award], provider: str) -> frozenset[str]:
    """The ids of those awards that a credential of the provider led to (CR-69).

    An external certification that names the provider and a credential there; one that our ledger has made; one that
    Docebo granted for external training of ours.
    """
    account = ctx.client("docebo").account
    made = ctx.made([award.id for award in awards], f"{account}|award|")
    training = ctx.made([award.origin_id for award in awards if award.origin_id], f"{account}|training|")
    name = provider.strip().casefold()
    return frozenset(
        award.id
        for award in awards
        if award.id in made
        or award.origin_id in training
        or (award.source.strip().casefold() == name and (award.link or award.external_id))
    )


def _to_json(award: Award) -> str:
    moments = {name: getattr(award, name) for name in ("issued_at", "expires_at", "changed_at")}
    texts = {name: getattr(award, name) for name in FIELDS}
    return json.dumps(texts | {name: at.isoformat() if at else None for name, at in moments.items()})


def _from_json(text: str) -> Award:
    data = json.loads(text)
    for name in ("issued_at", "expires_at", "changed_at"):
        data[name] = datetime.fromisoformat(data[name]) if data[name] else None
    return Award(**data)
