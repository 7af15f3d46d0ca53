"""Mails that wait in the store: queued with a commit, sent after it, kept until the mail server has taken them.

At least once: a mail leaves the outbox only after the server's 250. When the answer is lost it is sent again, under the
same Message-ID.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from connectctl.config.values import check
from connectctl.errors import ConfigError, ConnectctlError, RemoteUnsure
from connectctl.http.redact import clean, known_secrets
from connectctl.model import Notice
from connectctl.notify.digest import compose, identity, safe
from connectctl.plugins.core import INTEGRATION_SETTINGS
from connectctl.plugins.specs import SettingSpec

if TYPE_CHECKING:
    from connectctl.config.settings import Settings
    from connectctl.model import Clock
    from connectctl.notify.smtp import Mailer
    from connectctl.store.store import Store
    from connectctl.store.table import SqlTable

TABLE = "connectctl_outbox"  # a table of documents; the name is out of the way of the plugins' tables
GROUPS = "connectctl_notices"  # in the cache: when an error was last mailed, and how many were held back since
RECEIVER = "NOTIFICATION_MAIL_ID"
GROUPED = timedelta(hours=1)
KEPT = timedelta(days=7)
MOST = 200  # mails waiting at once; the oldest make room
CLAIMED = timedelta(minutes=30)  # for where nobody can tell that a run has died
PAUSE = timedelta(minutes=1)  # between two attempts: events come by the second, and a dead server costs each time-outs

log = logging.getLogger("connectctl.notify")


def queue(store: Store, notice: Notice, *, errors: Sequence[str] = (), now: datetime | None = None) -> str | None:
    """Puts a mail into the outbox, or counts it when one like it went there within the hour.

    Call it inside the `store.transaction()` of what it tells about. `errors` are the fingerprints of what it is about;
    it is new when one of them is. Without them it is new when its text is. Nothing is sent before `drain`. When the
    integration names nobody to mail, nothing is written, and a warning for the run is returned.
    """
    receiver, why = receiver_of(store, notice.integration)
    if not receiver and "is blank" in why:
        return f"No mail is sent, because {why}"
    now = now or datetime.now(UTC)
    notice = safe(notice, known_secrets())
    marks = tuple(errors) or (identity(notice),)
    with store.transaction():
        _prune(store, now)
        groups = {mark: _group(store, mark) for mark in marks}
        if all(_recent(group, now) for group in groups.values()):
            for mark, group in groups.items():
                _put(store, mark, {**group, "held": group["held"] + 1, "since": group["since"] or _text(now)}, now)
            return None
        held = max((group["held"] for group in groups.values()), default=0)
        since = min((group["since"] for group in groups.values() if group["since"]), default="")
        for mark in marks:
            _put(store, mark, {"at": _text(now), "held": 0, "since": ""}, now)
        table = store.documents(TABLE)
        waiting = [row.doc_id for row in table.all()]
        if len(waiting) >= MOST:
            table.remove(doc_ids=waiting[: len(waiting) - MOST + 1])
        table.insert(
            {
                "integration": notice.integration,
                "subject": notice.subject,
                "lines": list(notice.lines),
                "errors": list(marks),
                "held": held,
                "since": since,
                "at": _text(now),
                "tried_at": None,
                "claimed_by": None,
                "claimed_at": None,
            }
        )
    return None


def drain(
    store: Store,
    settings: Settings,
    clock: Clock,
    *,
    run: str,
    alive: Callable[[str], bool],
    integration: str | None = None,
) -> list[str]:
    """Sends what waits, all of it or that of one integration; returns warnings for the run. It never raises.

    `run` claims the mails meanwhile, so that two runs at once do not send the same; a claim counts as long as its run
    is `alive`. A mail that is not taken stays for the next run, for at most seven days.
    """
    try:
        return _Drain(store, settings, clock, run, alive).carry_out(integration)
    except ConnectctlError as error:
        return [f"Mails could not be sent: {error.message}"]
    except Exception as error:  # the border of a run: its outcome stands, whatever the mails do
        log.exception("the outbox failed")
        return [f"Mails could not be sent: {type(error).__name__}: {clean(error)}"]


def receiver_of(store: Store, integration: str) -> tuple[str, str]:
    """The address of an integration's administrator, or "" and why there is none."""
    row = store.table(INTEGRATION_SETTINGS).get_row((integration, RECEIVER))
    text = str(row["Value"] or "").strip() if row else ""
    hint = f"connectctl lookup set integration-settings {integration} {RECEIVER} Value=…"
    if not text:
        return "", f"{RECEIVER} of {integration} is blank ({hint})"
    try:
        return check(SettingSpec(RECEIVER, "", "email"), text), ""
    except ValueError as error:
        return "", f"{RECEIVER} of {integration} {error}, it is {clean(text, 80)!r} ({hint})"


@dataclass(slots=True)
class _Drain:
    store: Store
    settings: Settings
    clock: Clock
    run: str
    alive: Callable[[str], bool]

    def carry_out(self, integration: str | None) -> list[str]:
        if not self.store.query("SELECT 1 FROM _tables WHERE name = ?", (TABLE,)):
            return []
        warnings = self._expire()
        table, now = self.store.documents(TABLE), self.clock.now()
        rows = [row for row in table.all() if integration in (None, row["integration"])]
        receivers: dict[str, str] = {}
        for name in dict.fromkeys(row["integration"] for row in rows):
            receivers[name], why = receiver_of(self.store, name)
            if why:
                blank = "is blank" in why
                count = self._drop(table, [row for row in rows if row["integration"] == name]) if blank else 0
                tail = f"{count} dropped" if blank else "they wait for a valid one"
                warnings.append(f"No mail was sent, because {why}: {tail}")
        rows = [row for row in rows if receivers[row["integration"]]]
        if not any(row["tried_at"] is None or now - _moment(row["tried_at"]) >= PAUSE for row in rows):
            return warnings + ([f"{_mails(len(rows))} could not be sent yet"] if rows else [])
        settings = self.settings.connection("smtp")
        if not settings.configured:
            hint = "connectctl connection set smtp url"
            return [*warnings, f"{_mails(len(rows))} could not be sent: no mail server is configured ({hint})"]
        rows = self._claim(rows)
        if rows:
            from connectctl.notify.smtp import make_client

            try:
                mailer = make_client(settings, self.clock)
            except ConfigError as error:
                return [*warnings, f"{_mails(len(rows))} could not be sent: {error.message} ({error.hint})"]
            with closing(mailer):
                warnings += self._send_all(mailer, rows, receivers)
        return warnings

    def _send_all(self, mailer: Mailer, rows: Sequence[Any], receivers: dict[str, str]) -> list[str]:
        table = self.store.documents(TABLE)
        left = 0
        reasons: dict[str, None] = {}
        for number, row in enumerate(rows):
            if self.clock.wait(0) or (number and not mailer.connected):  # what ended it would end the next one too
                left += len(rows) - number
                break
            try:
                self._send(mailer, row, receivers[row["integration"]])
            except ConnectctlError as error:
                left += 1
                again = " (it may arrive twice)" if isinstance(error, RemoteUnsure) else ""
                reasons[error.message + again] = None
                table.update({"tried_at": _text(self.clock.now())}, doc_ids=[row.doc_id])
            else:
                table.remove(doc_ids=[row.doc_id])  # only now: the server has said 250
        if not left:
            return []
        why = "; ".join(reasons) or "the run was stopped"
        return [f"{_mails(left)} could not be sent, the next run tries again: {why}"]

    def _send(self, mailer: Mailer, row: Any, receiver: str) -> None:
        notice = Notice(row["integration"], row["subject"], tuple(row["lines"]))
        ident = f"{self.store.store_id}.{row.doc_id}"
        try:
            message = compose(
                notice,
                sender=mailer.sender,
                receiver=receiver,
                at=_moment(row["at"]),
                ident=ident,
                held=row["held"],
                since=row["since"],
            )
        except ValueError as error:
            raise ConfigError(f"The addresses {clean(mailer.sender)} and {clean(receiver)}: {clean(error)}") from None
        mailer.send(message, receiver)

    def _claim(self, rows: Sequence[Any]) -> list[Any]:
        """The rows that this run may send: not those that another living run is sending."""
        table = self.store.documents(TABLE)
        with self.store.transaction():
            now = [row for row in table.get(doc_ids=[row.doc_id for row in rows]) if not self._taken(row)]
            claim = {"claimed_by": self.run, "claimed_at": _text(self.clock.now())}
            table.update(claim, doc_ids=[row.doc_id for row in now])
        return now

    def _taken(self, row: Any) -> bool:
        if row["claimed_by"] in (None, self.run) or self.clock.now() - _moment(row["claimed_at"]) > CLAIMED:
            return False
        return self.alive(row["claimed_by"])

    def _drop(self, table: SqlTable, rows: Sequence[Any]) -> int:
        """Takes mails out unsent, and forgets that they were mailed: the next of their kind is not held back."""
        with self.store.transaction():
            for mark in {mark for row in rows for mark in row["errors"]}:
                self.store.execute("DELETE FROM cache WHERE name = ? AND key = ?", (GROUPS, mark))
            return len(table.remove(doc_ids=[row.doc_id for row in rows]))

    def _expire(self) -> list[str]:
        table, oldest = self.store.documents(TABLE), self.clock.now() - KEPT
        old = [row for row in table.all() if _moment(row["at"]) < oldest]
        if not old:
            return []
        dropped = _mails(self._drop(table, old))
        return [
            f"{dropped} waited for more than {KEPT.days} days and will not be sent; connectctl run list has the runs"
        ]


# -- what was mailed within the hour


def _group(store: Store, mark: str) -> dict[str, Any]:
    rows = store.query("SELECT value FROM cache WHERE name = ? AND key = ?", (GROUPS, mark))
    with suppress(ValueError):
        found = json.loads(rows[0][0]) if rows else None
        if isinstance(found, dict):
            return found
    return {"at": None, "held": 0, "since": ""}


def _put(store: Store, mark: str, group: dict[str, Any], now: datetime) -> None:
    put = store.engine.upsert("cache", ("name", "key", "value", "updated_at"), ("name", "key"))
    store.execute(put, (GROUPS, mark, json.dumps(group), _text(now)))


def _prune(store: Store, now: datetime) -> None:
    store.execute("DELETE FROM cache WHERE name = ? AND updated_at < ?", (GROUPS, _text(now - KEPT)))


def _recent(group: dict[str, Any], now: datetime) -> bool:
    return group["at"] is not None and timedelta(0) <= now - _moment(group["at"]) < GROUPED


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _mails(count: int) -> str:
    return "1 mail" if count == 1 else f"{count} mails"
