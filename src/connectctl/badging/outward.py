"""Docebo completions to the provider: what a batch reads before it plans (CR-26, CR-71, architecture 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connectctl.badging import field as dropdown
from connectctl.badging.accounts import keep_account
from connectctl.badging.columns import Columns, MappingColumns
from connectctl.badging.completions import Reading
from connectctl.badging.courses import decide_values, known_details, list_courses, read_current, read_selected
from connectctl.badging.earnings import Earning, course_earnings, plan_earnings
from connectctl.badging.held import Held
from connectctl.badging.learning_plans import plan_names
from connectctl.badging.people import read_people
from connectctl.badging.plan import EarningView, Learner, date_reason, holding, learner_reason, settled_reason
from connectctl.badging.provider import Credential, Provider
from connectctl.badging.refusals import keep_refusals, recall_refusals
from connectctl.badging.settings import read_settings
from connectctl.badging.spool import Spool
from connectctl.badging.templates import open_provider
from connectctl.badging.window import FILTERS, WALK, Window, window
from connectctl.docebo.courses import CourseRow
from connectctl.docebo.fields import FieldDef
from connectctl.errors import ConfigError, UsageError
from connectctl.model import Applied, Cursor, Part, Problem, RunContext
from connectctl.plugins.specs import ProviderSpec

ASSIGNS = {"course": "assign-course", "plan": "assign-plans"}  # the recipe that a kind of earning belongs to


@dataclass(slots=True)
class Shared:
    """What all parts of one run share."""

    spec: ProviderSpec
    provider: Provider
    values: Mapping[str, Any]
    window: Window
    spool: Spool
    problems: list[Problem]
    reading: Reading
    held: Held
    earned: list[Earning] = field(default_factory=list)
    applied: tuple[str, dict[str, Applied]] = ("", {})
    asking: set[str] = field(default_factory=set)  # templates that somebody is about to get
    unread: int = 0  # parts that could not be read so far
    needy: dict[str, set[str]] = field(default_factory=dict)  # template -> learners nothing is known of yet


def prepare(spec: ProviderSpec, ctx: RunContext) -> Shared:
    """Checks every setting, reads selections, mappings, completions and learners in bulk."""
    values = read_settings(spec.integration, spec.settings, ctx.settings(spec.integration), ctx.timezone)
    ctx.step(spec.titles["read-settings"], spec.titles["batch-sync"], settings=len(values))
    looked = window(spec, values, ctx)
    if looked.whole and looked.walks:
        ctx.cached(FILTERS).clear()
    provider = open_provider(spec, ctx)
    rows = [dict(row) for row in ctx.table(spec.template_table.name).all()]
    for template in looked.templates:
        if all(str(row[Columns.of(spec).id]) != template for row in rows):
            hint = f"connectctl lookup show {spec.template_table.name}"
            raise UsageError(f"The table {spec.template_table.title} has no {spec.noun} {template}", hint=hint)
    recall_refusals(ctx, anew=looked.whole and looked.walks)
    name, definition = dropdown.find_field(spec, ctx, remember=not looked.whole)
    ctx.step(spec.titles["find-field"], spec.titles["assign-course"], found=definition is not None)
    if definition is None:
        raise ConfigError(f"Docebo has no course field {name!r} yet", hint=f"connectctl {spec.name} sync-field")
    spool, problems = Spool(), list[Problem]()
    reading = Reading(ctx, looked, provider.account, spool, problems)
    held = Held(ctx, provider, spool, whole=bool(looked.reissue))
    shared = Shared(spec, provider, values, looked, spool, problems, reading, held)
    selections = _Selections(shared, ctx, definition, rows)
    courses, read_now = selections.first()
    mapped = _mapped_plans(shared, ctx, rows)
    shared.earned = [*courses, *mapped]
    _read_completions(shared, ctx, shared.earned)
    _find_needy(shared, ctx)
    read_people(ctx, spool, _everybody(shared), problems, reading.remembered)
    reading.confirm(lambda source, user: _is_able(shared, source, user))
    due = _due_courses(shared) - read_now
    if due:
        # A selection may change without a trace in the course list: whatever is about to issue is read again.
        before, decided = _everybody(shared), {_decision(earning) for earning in courses}
        shared.earned = [*selections.again(courses, due), *mapped]
        # What is decided otherwise than the completions were read for begins at the start date (GN-37).
        moved = [earning for earning in shared.earned if earning.kind == "course" and _decision(earning) not in decided]
        if moved:
            _read_completions(shared, ctx, moved)
        shared.needy.clear()
        _find_needy(shared, ctx)
        read_people(ctx, spool, _everybody(shared) - before, problems)
    keep_refusals(ctx)
    shared.asking = {
        template
        for template, users in shared.needy.items()
        if any(learner_reason(_learner(shared, user)) is None for user in users)
    }
    return shared


class _Selections:
    """The courses' values in the dropdown, and what they earn by that."""

    def __init__(
        self, shared: Shared, ctx: RunContext, definition: FieldDef, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        self.shared, self.ctx, self.definition, self.rows = shared, ctx, definition, rows
        self.courses: list[CourseRow] = []
        self.mode = ""

    def first(self) -> tuple[list[Earning], set[str]]:
        """What the courses earn, and which of them were read for it now."""
        looked, problems = self.shared.window, self.shared.problems
        self.courses = list_courses(self.ctx, looked.courses, problems, whole=looked.whole)
        # A course that is named is read anew: whoever names it may know of a change that its date does not show.
        fresh = looked.fresh or bool(looked.courses)
        selected, read_now = read_current(self.ctx, self.courses, self.definition, problems, fresh=fresh)
        self.mode = decide_values(self.definition, selected, self.ctx.client("docebo").field_value)
        columns = Columns.of(self.shared.spec)
        return _wanted(self.shared, course_earnings(self.definition, self.mode, selected, self.rows, columns)), read_now

    def again(self, courses: list[Earning], due: set[str]) -> list[Earning]:
        """The same with the courses in `due` read once more."""
        rows = [row for row in self.courses if row.id in due]
        selected, _ = read_selected(self.ctx, rows, self.definition.id, self.shared.problems, fresh=True)
        decide_values(self.definition, selected, self.ctx.client("docebo").field_value)
        columns = Columns.of(self.shared.spec)
        found = _wanted(self.shared, course_earnings(self.definition, self.mode, selected, self.rows, columns))
        renewed = {course.id: course for course in found}
        return [renewed.get(course.id, course) for course in courses if course.id in renewed or course.id not in due]


def _mapped_plans(shared: Shared, ctx: RunContext, rows: Sequence[Mapping[str, Any]]) -> list[Earning]:
    """What the mapped learning plans earn; with courses named only the plans that contain one of them (CR-28)."""
    spec, mapping = shared.spec, MappingColumns.of(shared.spec)
    mappings = [dict(row) for row in ctx.table(spec.mapping_table.name).all()]
    wanted = {str(row[mapping.plan]).strip() for row in mappings if str(row[mapping.plan] or "").strip()}
    if shared.window.courses:
        details = [known_details(ctx).get(course) or {} for course in shared.window.courses]
        containing = {plan for detail in details for plan in detail.get("plans", ())}
        ctx.step(spec.titles["list-plans"], spec.titles["assign-plans"], courses=len(details), plans=len(containing))
        mappings = [row for row in mappings if str(row[mapping.plan] or "").strip() in containing]
        wanted &= containing
    names = plan_names(ctx, wanted, shared.problems, whole=shared.window.whole)
    earned = plan_earnings(mappings, mapping, rows, Columns.of(spec), names)
    templates = sum(e.template is not None for e in earned)
    ctx.step(spec.titles["filter-plans"], spec.titles["assign-plans"], plans=len(wanted), templates=templates)
    return _wanted(shared, earned)


def _wanted(shared: Shared, earned: Sequence[Earning]) -> list[Earning]:
    """The earnings that `--template` leaves."""
    only = shared.window.templates
    return [earning for earning in earned if not only or earning.template in only]


def parts(ctx: RunContext) -> Iterator[Part]:
    """One part per course, or plan and template (CR-71); one template's together: its credentials are read once."""
    shared: Shared = ctx.shared
    for earning in sorted(shared.earned, key=lambda e: (e.template or "", e.kind, e.id)):
        shared.unread += 1
        yield Part(earning.part, earning.name)
    if shared.problems:  # nothing came after them to report them
        shared.unread += 1
        yield Part("", "what could not be read")
    if shared.window.walks and shared.window.whole and shared.reading.complete and not shared.unread:
        yield Part(WALK, "everything was read")


def read(ctx: RunContext, part: Part) -> EarningView:
    """One part's view, out of what `prepare` read; the template's credentials on first need."""
    shared: Shared = ctx.shared
    if part.id == WALK:
        return replace(_view(shared, ctx, Earning("course", "", "", None)), cursor=Cursor(WALK, ctx.now.isoformat()))
    earning = next((e for e in shared.earned if e.part == part.id), Earning("course", "", part.title, None))
    view = _view(shared, ctx, earning)
    shared.unread -= 1
    shared.problems.clear()
    return view


def _view(shared: Shared, ctx: RunContext, earning: Earning) -> EarningView:
    completions = [(user, _moment(text)) for user, text in shared.spool.completions(earning.source)]
    learners: dict[str, Learner] = {}
    applied: Mapping[str, Applied] = {}
    if earning.template and completions:
        applied = _applied(shared, ctx, earning.template)
        for user in {user for user, _ in completions} & shared.needy.get(earning.template, set()):
            learner = _learner(shared, user)
            if learner is not None:
                learners[user] = learner
    able = any(learner_reason(learner) is None for learner in learners.values())
    held = _held(shared, ctx, earning.template) if able and earning.template else ()
    position = shared.reading.positions.get(earning.part)
    return EarningView(
        earning,
        shared.provider.account,
        completions,
        learners,
        held,
        applied,
        shared.window.start,
        ctx.now,
        shared.values[shared.spec.keys["expiration_days"]],
        str(shared.values[shared.spec.keys["evidence_title"]]),
        shared.spec.titles[ASSIGNS[earning.kind]],
        frozenset(ctx.retrying),
        tuple(shared.problems),
        shared.window.unbounded,
        shared.window.reissue,
        shared.window.cursor(earning, shared.provider.account, position) if shared.reading.complete else None,
        shared.reading.newest.isoformat() if shared.reading.newest else "",
    )


def _decision(earning: Earning) -> tuple[str, str | None, str]:
    """A part and what decides it."""
    return earning.part, earning.template, earning.element


def _read_completions(shared: Shared, ctx: RunContext, earnings: Sequence[Earning]) -> None:
    """Pages over many courses and plans at once into the spool (CR-32, CR-35)."""
    titles = shared.spec.titles
    for kind, title in (("course", titles["list-completions"]), ("plan", titles["match-plans"])):
        earned = [earning for earning in earnings if earning.kind == kind and earning.template]
        before = shared.spool.count()
        if earned:
            shared.reading.read("course" if kind == "course" else "plan", earned)
        ctx.step(title, titles[ASSIGNS[kind]], sources=len(earned), completions=shared.spool.count() - before)


def _find_needy(shared: Shared, ctx: RunContext) -> None:
    """Which learners the ledger does not answer for; only they cost a look at users and credentials."""
    same: dict[str, str] = {}  # one text per learner, however many templates ask about them
    for earning in sorted(shared.earned, key=lambda e: e.template or ""):
        completions = list(shared.spool.completions(earning.source)) if earning.template else ()
        if not earning.template or not completions:
            continue  # the ledger's word on a template is long; it is not asked for nothing
        applied = _applied(shared, ctx, earning.template)
        for user, text in completions:
            place = holding(shared.provider.account, earning.template, user)
            if date_reason(_moment(text), shared.window.start, ctx.now) is not None:
                continue
            if shared.window.reissue or not _answered(applied.get(place)):
                shared.needy.setdefault(earning.template, set()).add(same.setdefault(user, user))


def _everybody(shared: Shared) -> set[str]:
    """All learners that some template asks about."""
    return set().union(*shared.needy.values())


def _due_courses(shared: Shared) -> set[str]:
    """The courses for which somebody is about to get a credential."""
    due = set()
    for earning in shared.earned:
        needy = shared.needy.get(earning.template or "", set()) if earning.kind == "course" else set()
        completers = {user for user, _ in shared.spool.completions(earning.source)} if needy else set()
        if any(learner_reason(_learner(shared, user)) is None for user in needy & completers):
            due.add(earning.id)
    return due


def _learner(shared: Shared, user: str) -> Learner | None:
    person = shared.spool.person(user)
    if person is None:
        return None
    email, first, last = person
    return Learner(user, email, first, last, bool(email) and shared.spool.sharing(email) > 1)


def _is_able(shared: Shared, source: str, user: str) -> bool:
    """Whether somebody whom an earlier run left open could be given a credential now."""
    templates = (earning.template for earning in shared.earned if earning.source == source and earning.template)
    needy = any(user in shared.needy.get(template, ()) for template in templates)
    return needy and learner_reason(_learner(shared, user)) is None


def _answered(applied: Applied | None) -> bool:
    return settled_reason(applied, None, frozenset()) is not None


def _applied(shared: Shared, ctx: RunContext, template: str) -> dict[str, Applied]:
    """The ledger's word on a template, kept for the parts that follow."""
    if shared.applied[0] != template:
        shared.applied = (template, dict(ctx.applied(holding(shared.provider.account, template, ""))))
    return shared.applied[1]


def _held(shared: Shared, ctx: RunContext, template: str) -> list[Credential]:
    """The template's credentials (held.py); an answer proves the account."""
    credentials, read_now = shared.held.of(template, shared.needy[template], len(shared.asking))
    if read_now:
        keep_account(ctx, shared.spec.name, shared.provider.account)
        ctx.step(shared.spec.titles["filter-unassigned"], shared.spec.titles["assign-users"], held=len(credentials))
    return credentials


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
