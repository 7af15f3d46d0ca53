"""Docebo completions to the provider: what a batch reads, how a change is applied, and how a lost answer is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectctl.badging import field as dropdown
from connectctl.badging.accounts import keep_account
from connectctl.badging.courses import Earning, decide_values, earnings, list_courses, read_current, read_selected
from connectctl.badging.people import read_people
from connectctl.badging.plan import (
    CourseView,
    Learner,
    change_mark,
    date_reason,
    holding,
    learner_reason,
    settled_reason,
)
from connectctl.badging.provider import Credential, IssueRequest, Provider, duplicate_of
from connectctl.badging.settings import day_start, read_settings, required
from connectctl.badging.spool import Spool
from connectctl.badging.templates import Columns, open_provider
from connectctl.docebo import enrollments
from connectctl.errors import ConfigError, UsageError
from connectctl.model import Applied, Change, Look, Outcome, Part, Problem, RunContext
from connectctl.plugins.specs import ProviderSpec

OVERLAP = timedelta(days=1)  # around the start date, because the remote's `updated_from` is in a zone of its own


@dataclass(slots=True)
class Shared:
    """What all parts of one run share."""

    spec: ProviderSpec
    provider: Provider
    values: Mapping[str, Any]
    start: datetime | None
    unbounded: bool
    courses: list[Earning]
    spool: Spool
    problems: list[Problem] = field(default_factory=list)
    applied: tuple[str, dict[str, Applied]] = ("", {})
    held: tuple[str, list[Credential]] = ("", [])
    needy: dict[str, set[str]] = field(default_factory=dict)  # template -> learners nothing is known of yet


def prepare(spec: ProviderSpec, ctx: RunContext) -> Shared:
    """Checks every setting, reads the courses' selections, the completions and the learners in bulk."""
    values = read_settings(spec.integration, spec.settings, ctx.settings(spec.integration), ctx.timezone)
    ctx.step(spec.titles["settings"], settings=len(values))
    start, unbounded = start_date(spec, values, ctx)
    provider = open_provider(spec, ctx)
    name, definition = dropdown.find_field(spec, ctx)
    ctx.step(spec.titles["field"], found=definition is not None)
    if definition is None:
        raise ConfigError(f"Docebo has no course field {name!r} yet", hint=f"connectctl {spec.name} sync-field")
    columns = Columns.of(spec)
    rows = [dict(row) for row in ctx.table(spec.template_table.name).all()]
    for template in _listed(ctx, "template"):
        if all(str(row[columns.id]) != template for row in rows):
            hint = f"connectctl lookup show {spec.template_table.name}"
            raise UsageError(f"The table {spec.template_table.title} has no {spec.noun} {template}", hint=hint)
    problems: list[Problem] = []
    named = _listed(ctx, "course")
    listed = list_courses(ctx, named, problems)
    # A course that is named is read anew: whoever names it may know of a change that its date does not show.
    fresh = bool(named) or _switched(ctx, "full")
    selected, read_now = read_current(ctx, listed, definition, problems, fresh=fresh)
    mode = decide_values(definition, selected, ctx.client("docebo").field_value)
    courses = _filtered(earnings(definition, mode, selected, rows, columns), ctx)
    shared = Shared(spec, provider, values, start, unbounded, courses, Spool(), problems)
    _read_completions(shared, ctx)
    _find_needy(shared, ctx)
    read_people(ctx, shared.spool, set().union(*shared.needy.values()) if shared.needy else set(), problems)
    due = _due(shared) - read_now
    if due:
        # A selection may change without a trace in the course list: whatever is about to issue is read again.
        again, _ = read_selected(ctx, [row for row in listed if row.id in due], definition.id, problems, fresh=True)
        decide_values(definition, again, ctx.client("docebo").field_value)
        renewed = {c.id: c for c in _filtered(earnings(definition, mode, again, rows, columns), ctx)}
        shared.courses = [renewed.get(c.id, c) for c in courses if c.id in renewed or c.id not in due]
        before = set().union(*shared.needy.values())
        shared.needy.clear()
        _find_needy(shared, ctx)
        read_people(ctx, shared.spool, set().union(*shared.needy.values()) - before, problems)
    return shared


def start_date(spec: ProviderSpec, values: Mapping[str, Any], ctx: RunContext) -> tuple[datetime | None, bool]:
    """The inclusive lower bound, and whether the run looks further back than the setting (GN-12, GN-41)."""
    setting: datetime | None = values[spec.keys["start"]]
    since = ctx.params.get("since")
    if _switched(ctx, "all_history"):
        return None, True
    if since:
        try:
            wanted = day_start(str(since), ctx.timezone)
        except ValueError as error:
            raise UsageError(f"--since {since} {error}", hint="--since 2026-01-31") from error
        return wanted, setting is None or wanted < setting
    return required(spec.integration, spec.keys["start"], setting, "2026-01-01"), False


def parts(ctx: RunContext) -> Iterator[Part]:
    """One part per course (CR-71), those of one template together, so that one template's credentials are in memory."""
    shared: Shared = ctx.shared
    for course in sorted(shared.courses, key=lambda c: (c.template or "", c.id)):
        yield Part(f"course:{course.id}", course.name)
    if shared.problems:  # no course came after them to report them
        yield Part("", "what could not be read")


def read(ctx: RunContext, part: Part) -> CourseView:
    """One course's view, out of what `prepare` read; the template's credentials on first need."""
    shared: Shared = ctx.shared
    course = next((c for c in shared.courses if f"course:{c.id}" == part.id), Earning("", part.title, None))
    completions = [(user, _moment(text)) for user, text in shared.spool.completions(course.id)]
    learners: dict[str, Learner] = {}
    applied: Mapping[str, Applied] = {}
    if course.template:
        applied = _applied(shared, ctx, course.template)
        for user in {user for user, _ in completions} & shared.needy.get(course.template, set()):
            learner = _learner(shared, user)
            if learner is not None:
                learners[user] = learner
    able = any(learner_reason(learner) is None for learner in learners.values())
    held = _held(shared, ctx, course.template) if able and course.template else ()
    problems, shared.problems = tuple(shared.problems), []
    return CourseView(
        course.id,
        course.name,
        course.template,
        course.template_name,
        course.reason,
        course.detail,
        shared.provider.account,
        completions,
        learners,
        held,
        applied,
        shared.start,
        ctx.now,
        shared.values[shared.spec.keys["expiration_days"]],
        str(shared.values[shared.spec.keys["evidence_title"]]),
        shared.spec.titles["course"],
        frozenset(ctx.retrying),
        problems,
        shared.unbounded,
    )


def apply(changes: list[Change], ctx: RunContext) -> list[Outcome]:
    """Issues each credential with one request (CR-37)."""
    provider: Provider = ctx.shared.provider
    return [Outcome("done", provider.issue(_request(change)).id) for change in changes]


def look(spec: ProviderSpec, change: Change, ctx: RunContext) -> Look:
    """Whether the provider shows the credential of this change, ours or somebody else's (GN-32)."""
    provider = open_provider(spec, ctx)
    template, user = str(change.template), str(change.user)
    credentials = provider.find(template, user, str(change.email or ""))
    mark = change_mark(change)
    marked = next((c for c in credentials if mark in c.marks), None)
    found = marked or duplicate_of(credentials, user, str(change.email or ""))
    if found is not None:
        ours = found is marked or found.earner_id == user
        return Look(Outcome("adopted" if ours else "foreign", found.id), lag=provider.search_lag)
    now = provider.template(template)
    return Look(None, repeatable=now is not None and not now.allows_duplicates, lag=provider.search_lag)


def _request(change: Change) -> IssueRequest:
    data = change.data
    expires: Any = data["expires_at"]
    return IssueRequest(
        data["template_id"],
        data["email"],
        data["first_name"],
        data["last_name"],
        data["earner_id"],
        _utc(data["issued_at"]),
        _utc(expires) if isinstance(expires, str) else expires,
        data["evidence_title"],
        data["evidence_text"],
        change_mark(change),
    )


def _read_completions(shared: Shared, ctx: RunContext) -> None:
    """Pages over many courses at once into the spool (CR-32)."""
    ids = [course.id for course in shared.courses if course.template]
    since = shared.start - OVERLAP if shared.start else None

    def on_bad(description: str) -> None:
        shared.problems.append(Problem("enrollment", description))

    def rows() -> Iterator[tuple[str, str, str]]:
        for completion in enrollments.completed(ctx.client("docebo"), ids, updated_from=since, on_bad=on_bad):
            moment = completion.completed_at
            yield completion.course_id, completion.user_id, moment.isoformat() if moment else ""

    if ids:
        shared.spool.add_completions(rows())
    ctx.step(shared.spec.titles["enrolled"], courses=len(ids), completions=shared.spool.count())


def _find_needy(shared: Shared, ctx: RunContext) -> None:
    """Which learners the ledger does not answer for; only they cost a look at users and credentials."""
    for course in shared.courses:
        if course.template is None:
            continue
        applied = _applied(shared, ctx, course.template)
        for user, text in shared.spool.completions(course.id):
            place = holding(shared.provider.account, course.template, user)
            if date_reason(_moment(text), shared.start, ctx.now) is None and not _answered(applied.get(place)):
                shared.needy.setdefault(course.template, set()).add(user)


def _due(shared: Shared) -> set[str]:
    """The courses for which somebody is about to get a credential."""
    due = set()
    for course in shared.courses:
        needy = shared.needy.get(course.template or "", set())
        completers = {user for user, _ in shared.spool.completions(course.id)} if needy else set()
        if any(learner_reason(_learner(shared, user)) is None for user in needy & completers):
            due.add(course.id)
    return due


def _learner(shared: Shared, user: str) -> Learner | None:
    person = shared.spool.person(user)
    if person is None:
        return None
    email, first, last = person
    return Learner(user, email, first, last, bool(email) and shared.spool.sharing(email) > 1)


def _answered(applied: Applied | None) -> bool:
    return settled_reason(applied, None, frozenset()) is not None


def _applied(shared: Shared, ctx: RunContext, template: str) -> dict[str, Applied]:
    """The ledger's word on a template, kept for the parts that follow."""
    if shared.applied[0] != template:
        shared.applied = (template, dict(ctx.applied(holding(shared.provider.account, template, ""))))
    return shared.applied[1]


def _held(shared: Shared, ctx: RunContext, template: str) -> list[Credential]:
    """The template's credentials: all pages, or look-ups where those are fewer calls (CR-34, CR-71)."""
    if shared.held[0] == template:
        return shared.held[1]
    needy = shared.needy[template]
    credentials: list[Credential] = []
    pages = shared.provider.held(template)
    for number, page in enumerate(pages, 1):
        credentials += page.credentials
        if page.pages - number > 2 * len(needy):
            for user in sorted(needy):
                person = shared.spool.person(user)
                credentials += shared.provider.find(template, user, person[0] if person else "")
            break
    keep_account(ctx, shared.spec.name, shared.provider.account)
    ctx.step(shared.spec.titles["filter"], template=template, held=len(credentials))
    shared.held = (template, credentials)
    return credentials


def _filtered(courses: Iterable[Earning], ctx: RunContext) -> list[Earning]:
    """The courses that the options leave."""
    templates = _listed(ctx, "template")
    return [course for course in courses if not templates or course.template in templates]


def _listed(ctx: RunContext, name: str) -> tuple[str, ...]:
    """A parameter that may come once or several times."""
    value = ctx.params.get(name) or ()
    return (value,) if isinstance(value, str) else tuple(value)


def _switched(ctx: RunContext, name: str) -> bool:
    """A parameter that is on or off; `flow run --param` has only words for it."""
    value = ctx.params.get(name) or False
    if value not in (True, False, "true", "false"):
        raise UsageError(f"{name} is true or false, not {value!r}", hint=f"connectctl flow show {ctx.flow}")
    return value in (True, "true")


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
