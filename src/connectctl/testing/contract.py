"""The conformance suite of plugins: what the core and the badging kit rely on, each as one named check.

`declarations` looks at any plugin; `protocol` runs a badge provider's client against a fake remote that the plugin's
own tests bring. Both yield results and raise nothing for a plugin that fails.
"""

from __future__ import annotations

import dis
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from connectctl.badging.provider import Credential, IssueRequest, Provider
from connectctl.errors import AlreadyHeld, ConnectctlError, NotAllowed, NotFound, RemoteError
from connectctl.errors import Rejected as Refused
from connectctl.plugins.manager import Plugins
from connectctl.plugins.specs import FlowSpec, ProviderSpec, Target

HEAVY = ("asyncio", "cryptography", "keyring", "requests", "schedule", "sqlite3", "tinydb", "urllib3")
IMPURE = {"input", "open", "os", "print", "random", "requests", "secrets", "socket", "subprocess", "time"}
NOWHERE = "no-such-id"


@dataclass(frozen=True, slots=True)
class Result:
    """One check. `problem` is blank when it was passed."""

    check: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A client over a fake remote without search lag, and the id of an active template that nobody holds and that
    allows no duplicates.

    `hostile` makes the remote answer every request with JSON of another shape for as long as it is entered.
    """

    client: Any
    template: str
    hostile: Callable[[], AbstractContextManager[object]] | None = None


def _result(name: str, check: Callable[[], object]) -> Result:
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever a plugin does wrong is what this is to find out
        words = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        return Result(name, words or type(error).__name__)
    return Result(name)


def _claim(holds: object, words: str) -> None:
    if not holds:
        raise AssertionError(words)


# -- any plugin -------------------------------------------------------------------------------------------------------


def declarations(plugins: Plugins, name: str) -> Iterator[Result]:
    """The checks of what a plugin declares. Raises KeyError for a plugin that is not there."""
    info = {one.name: one for one in plugins.info}[name]
    mine = {(one.kind, one.name) for one in info.contributions}
    faults = "; ".join(f"{fault.where}: {fault.message}" for fault in info.faults)
    yield Result("its declarations are sound and its names are its own", faults)
    targets = list(_targets(plugins, mine))
    yield _result("every target can be imported", lambda: [plugins.resolve(target) for target in targets])
    yield _result("its import brings nothing heavy along", lambda: _light(plugins, name))
    flows = [flow for flow in plugins.flows.values() if ("flow", flow.name) in mine]
    yield _result("plans ask no clock, disk or chance", lambda: _pure(plugins, flows))
    for spec in plugins.providers.values():
        if ("provider", spec.name) in mine:
            yield _result("titles and calls agree", lambda spec=spec: _calls(spec))  # type: ignore[misc]
            yield _result("the kit finds its settings and columns", lambda spec=spec: _keys(spec))  # type: ignore[misc]


def _targets(plugins: Plugins, mine: set[tuple[str, str]]) -> Iterator[Target]:
    for connection in plugins.connections.values():
        if ("connection", connection.kind) in mine:
            yield from (target for target in (connection.client, connection.test) if target)
    for flow in plugins.flows.values():
        if ("flow", flow.name) in mine:
            some = (flow.read, flow.plan, flow.apply, flow.look, flow.parts, flow.prepare)
            yield from (target for target in some if target)
    for check in plugins.checks.values():
        if ("check", check.name) in mine:
            yield check.target
    for command in plugins.commands.values():
        if ("command", command.name) in mine and isinstance(command.target, str):
            yield command.target


def _light(plugins: Plugins, name: str) -> None:
    source = next((s for s in plugins.sources if s.partition(".")[0].removeprefix("connectctl_") == name), None)
    if source is None:  # not installed, but handed over by a host: it was imported before
        return
    code = f"import sys, {source}; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    _claim(found.returncode == 0, f"{source} cannot be imported: {found.stderr.strip()[-200:]}")
    heavy = sorted(set(HEAVY) & set(found.stdout.split()))
    _claim(not heavy, f"{source} imports {', '.join(heavy)}: import it where it is used")


def _pure(plugins: Plugins, flows: Sequence[FlowSpec]) -> None:
    for flow in flows:
        plan = plugins.resolve(flow.plan)
        code = getattr(plan, "__code__", None)
        steps = list(dis.get_instructions(code)) if code else []
        names = {step.argval for step in steps if step.opname == "LOAD_GLOBAL"}
        asked = {after.argval for before, after in pairwise(steps) if before.argval in ("datetime", "date")}
        bad = sorted(names & IMPURE | asked & {"now", "today", "utcnow"})
        _claim(not bad, f"the plan of {flow.name} uses {', '.join(bad)}")


def _calls(spec: ProviderSpec) -> None:
    unknown = {verb for caller, some in spec.calls.items() for verb in (caller, *some)} - set(spec.titles)
    _claim(not unknown, f"calls name {', '.join(sorted(unknown))}, which have no title")
    strange = set(spec.start_order) - set(spec.titles)
    _claim(not strange, f"start_order names {', '.join(sorted(strange))}, which have no title")


def _keys(spec: ProviderSpec) -> None:
    known = {setting.name for setting in spec.settings}
    wrong = sorted(f"{name} = {key}" for name, key in spec.keys.items() if key not in known)
    _claim(not wrong, f"keys without a setting: {', '.join(wrong)}")
    missing = {"start", "field", "expiration_days", "institute", "master", "revocation"} - set(spec.keys)
    _claim(not missing, f"keys lack {', '.join(sorted(missing))}")
    _claim(len(spec.template_table.columns) >= (5 if "plan_field" in spec.keys else 4), "the template table is short")
    _claim(len(spec.mapping_table.columns) >= 6, "the mapping table is short")


# -- a badge provider's client ----------------------------------------------------------------------------------------


def protocol(spec: ProviderSpec, trial: Trial) -> Iterator[Result]:
    """The checks of a provider's client, in order; each goes on from what the one before has left at the remote."""
    story = _Story(spec, trial)
    able = spec.capabilities
    yield _result("the account has a name that stays", story.account)
    yield _result("templates are complete, in order, and found alone", story.templates)
    yield _result("what is issued is found and listed", story.issue)
    yield _result("a second one for the same learner is refused", story.duplicate)
    if able.can_replace:
        yield _result("one is replaced", story.replace)
    if able.can_revoke:
        yield _result("one is revoked, and once more without harm", story.revoke)
    yield _result("what is not there is said to be so", story.nowhere)
    yield _result("events are told once each, or refused", story.feed)
    if able.lists_partly:
        yield _result("one credential is read alone", story.alone)
    if able.batch > 1:
        yield _result("many are issued at once, each with its own result", story.many)
    if trial.hostile is not None:
        yield _result("an answer of another shape is an error that names it", story.hostile)


class _Story:
    def __init__(self, spec: ProviderSpec, trial: Trial) -> None:
        self.spec, self.trial = spec, trial
        self.client: Provider = trial.client
        self.made: Credential | None = None

    def account(self) -> None:
        _claim(isinstance(self.client.account, str) and self.client.account.strip(), "the account is blank")
        _claim(self.client.account == self.client.account, "the account changes")
        _claim("|" not in self.client.account, "the account has a | in it, which parts a holding")

    def templates(self) -> None:
        listed = self.client.templates()
        ids = [template.id for template in listed]
        _claim(len(ids) == len(set(ids)), "a template comes twice")
        _claim(self.trial.template in ids, f"the listing lacks {self.trial.template}")
        _claim(listed == sorted(listed, key=lambda t: t.created_at), "the listing is not oldest first")
        _claim(ids == [template.id for template in self.client.templates()], "a second listing differs")
        alone = self.client.template(self.trial.template)
        _claim(alone is not None and alone.id == self.trial.template, "the template is not found alone")

    def issue(self) -> None:
        wanted = self._request("1")
        self.made = self.client.issue(wanted)
        found = self.client.find(wanted.template_id, wanted.earner_id, wanted.email)
        _claim([one.id for one in found] == [self.made.id], f"find gives {[one.id for one in found]}")
        one = found[0]
        _claim(one.template_id == wanted.template_id and wanted.email in one.emails, "template or address is another")
        _claim(one.state in ("pending", "accepted"), f"its state is {one.state}")
        _claim(one.earner_id == wanted.earner_id or wanted.mark in one.marks, "neither earner id nor mark is ours")
        by_email = self.client.find(wanted.template_id, "", wanted.email)
        _claim([c.id for c in by_email] == [one.id], "find by address alone gives something else")
        _claim(self._listed(wanted.template_id) == [one.id], "the list of the template gives something else")
        _claim(one.id in self._listed(None), "the list of everything lacks it")

    def duplicate(self) -> None:
        try:
            second = self.client.issue(replace(self._request("1"), mark="connectctl-conformance-again"))
        except AlreadyHeld:
            return
        _claim(False, f"it was issued a second time, as {second.id}")

    def replace(self) -> None:
        before, wanted = self._present(), replace(self._request("1"), mark="connectctl-conformance-2", again=True)
        self.made = self.client.replace(before.id, wanted)
        if self.spec.capabilities.in_place:
            _claim(self.made.id == before.id, "its id is another, though it changes in place")
            return
        _claim(self.made.id != before.id, "its id is the same, though it does not change in place")
        found = {one.id: one for one in self.client.find(wanted.template_id, wanted.earner_id, wanted.email)}
        old = found.get(before.id)
        _claim(self.made.id in found, "the new one is not found")
        linked = self.made.replaces == before.id or found[self.made.id].replaces == before.id
        _claim(linked or (old is not None and old.replaced), "nothing says that one took the place of the other")

    def revoke(self) -> None:
        one = self._present()
        for _ in range(2):
            self.client.revoke(one.id, "the conformance suite")
        wanted = self._request("1")
        found = {c.id: c for c in self.client.find(wanted.template_id, wanted.earner_id, wanted.email)}
        _claim(one.id not in found or found[one.id].state == "revoked", f"its state is {found.get(one.id)}")

    def nowhere(self) -> None:
        _claim(self.client.template(NOWHERE) is None, "a template that is not there is found")
        _claim(self.client.event(NOWHERE) is None, "an event that is not there is found")
        found = self.client.find(self.trial.template, NOWHERE, "nobody@nowhere.example")
        _claim(not found, f"somebody without a credential has {[one.id for one in found]}")

    def feed(self) -> None:
        try:
            events = list(self.client.feed(datetime.now(UTC) - timedelta(days=3650)))
        except (NotFound, NotAllowed, Refused) as error:
            _claim(not self.spec.capabilities.has_feed, f"it is declared to have a feed, and says {error}")
            return
        ids = [event.id for event in events]
        _claim(len(ids) == len(set(ids)), "an event comes twice")
        _claim(all(event.at.tzinfo is not None for event in events), "an event's moment has no zone")
        subjects = {event.subject for event in events}
        _claim(not self.spec.capabilities.has_feed or self._present().id in subjects, "the credential is not in it")

    def alone(self) -> None:
        read: Any = getattr(self.client, "credential", None)
        _claim(callable(read), "the client has no credential(id)")
        _claim(read(self._present().id).id == self._present().id, "another credential is read")
        _claim(read(NOWHERE) is None, "a credential that is not there is found")

    def many(self) -> None:
        send: Any = getattr(self.client, "issue_many", None)
        _claim(callable(send), "the client has no issue_many")
        wanted = [self._request(name) for name in ("2", "3", "2")]
        wanted[2] = replace(wanted[2], mark="connectctl-conformance-other")
        results = send(wanted)
        _claim(len(results) == 3, f"{len(results)} results for 3 requests")
        good = [isinstance(one, Credential) for one in results]
        _claim(good[:2] == [True, True], f"the first two are {results[:2]}")
        _claim(isinstance(results[2], ConnectctlError), "a second one for the same learner has no error of its own")

    def hostile(self) -> None:
        if self.trial.hostile is None:
            return
        wanted = self._request("9")
        asks: dict[str, Callable[[], object]] = {
            "templates": lambda: self.client.templates(),
            "held": lambda: [page for page in self.client.held(self.trial.template) if not page.bad],
            "find": lambda: self.client.find(wanted.template_id, wanted.earner_id, wanted.email),
            "issue": lambda: self.client.issue(wanted),
        }
        with self.trial.hostile():
            for name, ask in asks.items():
                try:
                    answer = ask()
                except RemoteError:
                    continue
                _claim(name == "held" and not answer, f"{name} takes it for {answer!r:.80}")

    def _present(self) -> Credential:
        if self.made is None:
            raise AssertionError("nothing could be issued")
        return self.made

    def _listed(self, template: str | None) -> list[str]:
        return [one.id for page in self.client.held(template) for one in page.credentials]

    def _request(self, number: str) -> IssueRequest:
        return IssueRequest(
            template_id=self.trial.template,
            email=f"conformance-{number}@example.org",
            first_name="Ada",
            last_name=f"Conform {number}",
            earner_id=f"9900{number}",
            issued_at=datetime(2026, 2, 1, tzinfo=UTC),
            expires_at=None,
            evidence_title="connectctl",
            evidence_text="The conformance suite",
            mark=f"connectctl-conformance-{number}",
        )
