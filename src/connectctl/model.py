"""The frozen records that flows, plans and runs are made of."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from tinydb.table import Table

OutcomeStatus = Literal["done", "adopted", "foreign", "failed", "unsure", "released"]


@dataclass(frozen=True, slots=True)
class Part:
    """The unit a run reads, plans, applies and commits at once: a course, a mapping row, a page of users."""

    id: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One intended remote effect, with its identity and its reason (GN-21).

    `holding` is what the effect gives or takes away (account, template, user); `version` says which of several
    effects on the same holding this is, `repeat` how often the same one was repaired before. A change without version
    is decided from a state that the same run has read (a dropdown, a table), so its key ends with the run's id and an
    earlier run's copy of it is never sent again. `data` is JSON: what `apply` needs, frozen at planning (CR-61).
    `supersedes` is the key of the ledger's live entry that this change modifies or follows: with the claim the holding
    passes from it to this change, and back to it when the change certainly did not happen.
    """

    action: str
    holding: str
    data: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    origin: str = ""
    version: str | None = None
    user: str | None = None
    email: str | None = None
    template: str | None = None
    source: str | None = None
    supersedes: str | None = None
    repeat: int = 0

    def key(self, run: str) -> str:
        """The identity of this request: (holding, action, origin, version), and which repetition it is."""
        key = "|".join((self.holding, self.action, self.origin, run if self.version is None else self.version))
        return f"{key}|{self.repeat}" if self.repeat else key


@dataclass(frozen=True, slots=True)
class RowWrite:
    """One change of a lookup table: `add_row`, `update_row` or `delete_row`; `row` holds the columns to set."""

    action: str
    table: str
    key: tuple[str, ...]
    row: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """What was left out, and why: one of the reasons of GN-17, or `<plugin>:<reason>`."""

    key: str
    reason: str
    detail: str = ""
    user: str | None = None
    email: str | None = None
    template: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read or is malformed. It is reported as a failed item; the others go on (GN-19)."""

    key: str
    error: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a part has been read (GN-37): `position` in the remote's own time, '' for not at all; `fingerprint` of
    what decided the part. A part with another fingerprint is read from the start again.
    """

    fingerprint: str
    position: str = ""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something left out that people can mend: the next run looks at it again (GN-37). `key` names it within its part,
    `data` (JSON) is what the flow needs to find it.
    """

    key: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail to the NOTIFICATION_MAIL_ID of an integration. `lines` are plain text; an indented one is not wrapped."""

    integration: str
    subject: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Two sides that disagree: `kind` is one word for how (missing, extra, expiry, email, revoked …), `detail` says it
    in words. `repair` is the action of the change that would mend it, "" where only people can.
    """

    kind: str
    key: str
    detail: str
    user: str | None = None
    email: str | None = None
    template: str | None = None
    source: str | None = None
    remote_id: str | None = None
    repair: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A flow to be run after this run has been committed, as a run of its own (GN-05)."""

    flow: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What should happen, in order, and what was left out. A pure function of a view."""

    changes: tuple[Change, ...] = ()
    writes: tuple[RowWrite, ...] = ()
    skipped: tuple[Skip, ...] = ()
    problems: tuple[Problem, ...] = ()
    seen: tuple[tuple[Change, Outcome], ...] = ()  # held at the remote, unknown to the ledger: adopted or foreign
    warnings: tuple[str, ...] = ()
    removals: int = 0  # rows and options that would go or be switched off (GN-33)
    removal_base: int = 0  # of how many (the 10 % rule of GN-33)
    emptied: bool = False  # the remote listed nothing where there are rows: more likely an outage than the truth
    unbounded: bool = False  # looks further back than the start date: only --max-changes answers it (GN-41)
    cursor: Cursor | None = None  # moves with the part's commit, and with it all its open items; None leaves both
    open: tuple[OpenItem, ...] = ()  # changes that were not carried out join them by themselves
    findings: tuple[Discrepancy, ...] = ()  # what a comparison found; it changes nothing by itself
    notices: tuple[Notice, ...] = ()  # mails that go out once the part's rows are committed
    calls: tuple[Call, ...] = ()  # flows that follow once all is committed; of a dry run they are dry runs too


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change.

    done: confirmed. adopted: found at the remote, ours. foreign: found, made by somebody else. failed: refused for
    good. unsure: the answer was lost and no look has settled it. released: certainly not there, and nothing claimed.
    `writes` are table rows that follow from it; they are committed together with it.
    """

    status: OutcomeStatus
    remote_id: str | None = None
    error: str | None = None
    writes: tuple[RowWrite, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the remote found for a change whose answer was lost.

    `found`: the outcome (adopted or foreign) when something is there. `repeatable`: nothing was seen, and sending
    again cannot double it, because the remote itself refuses a duplicate. `lag`: seconds after a write in which the
    remote may still not show it. `proves`: what was seen was read in full, and once the lag has passed it proves that
    nothing was done, so that it may be sent again; without it that takes a person (`run retry`).
    """

    found: Outcome | None = None
    repeatable: bool = False
    lag: float = 0.0
    proves: bool = False


class Clock(Protocol):
    """Time as a parameter, so that tests need no patching."""

    def now(self) -> datetime:
        """The present moment, with zone UTC."""

    def wait(self, seconds: float) -> bool:
        """Waits; returns True at once when the run was asked to stop."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How often a connection may be asked, and where its processes keep count together.

    `rate` as it is written in the settings, `per_hour` a budget or None, `folder` that of the counts (None: every
    client counts for itself), `account` what the remote counts by, as far as the address does not say.
    """

    rate: str = "none"
    per_hour: int | None = None
    folder: Path | None = None
    account: str = ""


class RunContext(Protocol):
    """What a flow's functions get. It stays this small; more comes by import from `connectctl.api`."""

    @property
    def flow(self) -> str: ...
    @property
    def run(self) -> str: ...
    @property
    def now(self) -> datetime: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def subjects(self) -> Collection[str]: ...
    @property
    def log(self) -> logging.Logger: ...
    @property
    def timezone(self) -> str: ...

    shared: Any  # what the flow's `prepare` returned; for what its functions have to tell each other

    @property
    def retrying(self) -> Collection[str]: ...  # holdings that `run retry` asks for again

    def cached(self, name: str) -> MutableMapping[str, Any]:
        """Facts kept between runs (JSON values); a dry run reads them and keeps nothing."""

    def cursor(self, part: str, fingerprint: str) -> str | None:
        """The position up to which the part was read and committed under this fingerprint, or None: read it all."""

    def open_items(self, part: str) -> Sequence[OpenItem]:
        """What earlier runs left open of the part; a change among them has the data `user` and `version`."""

    def step(self, recipe: str, caller: str = "", **counts: object) -> None:
        """Notes in the run's record that a recipe did its work, called by another one; both by their exact names.

        What the same caller asks of the same recipe again is added to the numbers that are there.
        """

    def client(self, kind: str) -> Any:
        """The client of a connection, made on first use; it must be declared in the flow's `uses`."""

    def table(self, name: str) -> Table:
        """A lookup table (TinyDB API), by any of its names."""

    def applied(self, holding_prefix: str) -> Mapping[str, Applied]:
        """What the ledger knows of the holdings that begin with the prefix, by holding."""

    def applied_to(self, holdings: Collection[str]) -> Mapping[str, Applied]:
        """As `applied`, of these holdings alone."""

    def made(self, remote_ids: Collection[str], prefix: str) -> Mapping[str, str]:
        """The holdings of those of these remote ids that are ours (done or adopted, at any time), by remote id.

        `prefix` is what their holdings begin with, so much that an id is of one kind of things in one account: other
        remotes may use the same ids.
        """

    def standing(self, holding_prefix: str) -> Iterable[tuple[str, str]]:
        """Holding and version of everything of ours that stands under the prefix (done or adopted), in no order."""

    def recorded(self, keys: Collection[str]) -> Mapping[str, Recorded]:
        """What the ledger's entries with these keys were planned as, by key."""

    def settings(self, integration: str) -> Mapping[str, str]:
        """The rows of `integration-settings` of one integration, trimmed, by key (GN-08)."""


class CheckContext(Protocol):
    """What a `CheckSpec`'s target gets. Nothing of it writes."""

    @property
    def tables(self) -> Sequence[Any]: ...  # the TableSpecs in question
    @property
    def timezone(self) -> str: ...

    def client(self, kind: str) -> Any:
        """The client of a connection, made on first use; it must be declared in the check's `uses`."""

    def table(self, name: str) -> Table:
        """A lookup table (TinyDB API), by any of its names."""

    def settings(self, integration: str) -> Mapping[str, str]:
        """The rows of `integration-settings` of one integration, trimmed, by key (GN-08)."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What the ledger says of one holding, as plans see it: its live entry, else the newest that took effect, else its
    newest.
    """

    holding: str
    key: str
    state: str  # intended, sent, done, failed, unsure, adopted, foreign
    action: str
    origin: str
    version: str
    remote_id: str | None
    live: bool
    data: Mapping[str, Any]  # of entries that are not settled: what was frozen at planning (CR-61)
    refused: frozenset[str] = frozenset()  # keys of this holding that the remote refused: not sent again unasked


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry of the ledger as it was planned, with everything frozen then, and when it last moved."""

    change: Change
    at: datetime
