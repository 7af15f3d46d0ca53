"""The function recipes that only read: what each answers when it is run by itself (recipes.md 2.4).

Each takes the provider's declaration and the run, and returns an Answer. The batches do the same work in bulk, with the
same rules: `earnings`, `window`, `plan` and `settings`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectctl.badging.columns import Columns, MappingColumns
from connectctl.badging.completions import OVERLAP
from connectctl.badging.earnings import Earning, plan_earnings, union
from connectctl.badging.existing import CREATE_NEW, OVERWRITE
from connectctl.badging.learning_plans import by_number, plan_names
from connectctl.badging.master import directions
from connectctl.badging.people import normal_email
from connectctl.badging.plan import date_reason
from connectctl.badging.plan_selections import PlanSelections
from connectctl.badging.provider import duplicate_of
from connectctl.badging.settings import read_settings
from connectctl.badging.templates import check_templates, open_provider
from connectctl.badging.window import listed, numbered, start_date
from connectctl.docebo import certifications, courses, enrollments, plans, users
from connectctl.errors import NotFound, UsageError
from connectctl.model import Call, Part, Plan, Problem, RunContext, Skip
from connectctl.plugins.guard import resolve
from connectctl.plugins.specs import ProviderSpec


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function found out, as JSON; what it left out, and what it could not read."""

    output: Any
    skipped: tuple[Skip, ...] = ()
    problems: tuple[Problem, ...] = ()
    calls: tuple[Call, ...] = ()


PEOPLE = 200  # that one run of another recipe is about

Function = Callable[[ProviderSpec, RunContext], Answer]


def read(spec: ProviderSpec, verb: str, function: str, ctx: RunContext, _part: Part) -> Answer:
    """Asks the function of a recipe, and puts what it answers into the run's record."""
    ask: Function = resolve(function, "connectctl")
    answer = ask(spec, ctx)
    ctx.step(spec.titles[verb], output=answer.output)
    return answer


def plan(answer: Answer) -> Plan:
    """Nothing is to be changed; what was found may be handed on. Pure."""
    return Plan(skipped=answer.skipped, problems=answer.problems, calls=answer.calls)


# -- utility ----------------------------------------------------------------------------------------------------------


def settings(spec: ProviderSpec, ctx: RunContext) -> Answer:
    """Every setting of the integration with its value, checked (CR-42)."""
    return Answer({name: _said(value) for name, value in _values(spec, ctx).items()})


def check_master(spec: ProviderSpec, ctx: RunContext) -> Answer:
    """Which directions the master setting allows (CR-19)."""
    outwards, inwards = directions(spec, _values(spec, ctx))
    return Answer({f"docebo_to_{spec.name}": outwards, f"{spec.name}_to_docebo": inwards})


def find_user(spec: ProviderSpec, ctx: RunContext) -> Answer:
    """The Docebo user with an e-mail address; None for nobody, and for several (CR-45)."""
    email = str(ctx.params["email"])
    bad: list[str] = []
    found = users.search(ctx.client("docebo"), email, on_bad=bad.append)
    problems = tuple(Problem("user", description) for description in bad)
    if len(found) > 1:
        names = ", ".join(sorted(person.id for person in found))
        skip = Skip(normal_email(email), "ambiguous_user", f"the users {names} share the address", email=email)
        return Answer({"user": None}, (skip,), problems)
    if not found:
        return Answer({"user": None}, problems=problems)
    person = found[0]
    facts = {"id": person.id, "email": person.email, "first_name": person.first_name, "last_name": person.last_name}
    return Answer({"user": facts | {"active": person.active}}, problems=problems)


def check_origin(spec: ProviderSpec, ctx: RunContext) -> Answer:
    """Whether a credential is one of ours: by its earner id, or by our ledger; else whose earner id it has (CR-46)."""
    (user, *_), earner = numbered(ctx, "user"), str(ctx.params.get("earner") or "").strip()
    badges = listed(ctx, "badge")
    known = bool(badges and ctx.made(badges, f"{open_provider(spec, ctx).account}|"))
    ours = known or (bool(earner) and earner == user and not spec.capabilities.own_ids)  # a mark proves it there
    conflict = not ours and bool(earner) and users.get(ctx.client("docebo"), earner) is not None
    return Answer({"issued_by_us": ours, "identity_conflict": conflict})


# -- courses and plans ------------------------------------------------------------------------------------------------


def list_plans(spec: ProviderSpec, ctx: RunContext) -> Answer:
    """The learning plans that contain the courses (CR-30)."""
    found: set[str] = set()
    for course in numbered(ctx, "course"):
        try:
            found.update(courses.detail(ctx.client("docebo"), course).plans)
        except NotFound:
            hint = f"connectctl flow show {ctx.flow}"
            raise UsageError(f"Docebo has no course {course}", hint=hint) from None
    problems: list[Problem] = []
    names = plan_names(ctx, found, problems, whole=True)
    return Answer({"plans": [{"id": plan, "name": names.get(plan, "")} for plan in sorted(found)]}, (), tuple(problems))


def filter_plans(spec: ProviderSpec, ctx: RunContext) -> Answer:
    """Of the learning plans those that an active row of the mapping table names, with their templates (CR-31)."""
    earned, problems = _mapped(spec, ctx, listed(ctx, "plan"))
    kept = [
        {"id": earning.id, "name": earning.name, "template": earning.template, "template_name": earning.template_name}
        for earning in earned
        if earning.template
    ]
    return Answer({"plans": kept}, _left_out(earned), problems)


def list_completions(spec: ProviderSpec, ctx: RunContext) -> Answer:
    """Who has completed the courses on or after the start date (CR-32)."""
    start, _ = start_date(spec, _values(spec, ctx), ctx)
    earliest = start - OVERLAP if start else None
    bad: list[str] = []
    rows, left_out = [], Counter[str]()
    read_rows = enrollments.completed(
        ctx.client("docebo"), numbered(ctx, "course"), None, earliest=earliest, on_bad=bad.append
    )
    for done in read_rows:
        reason = date_reason(done.completed_at, start, ctx.now)
        if reason is None:
            rows.append({"user": done.user_id, "course": done.course_id, "completed_at": _said(done.completed_at)})
        else:
            left_out[reason] += 1
    problems = tuple(Problem("enrollment", description) for description in bad)
    return Answer({"users": rows, "left_out": dict(left_out)}, (), problems)


def match_plans(spec: ProviderSpec, ctx: RunContext) -> Answer:
    """The templates that a user has earned by learning plans, each once (CR-35)."""
    user = numbered(ctx, "user")[0]
    earned, problems = _mapped(spec, ctx, listed(ctx, "plan"))
    wanted = sorted({earning.id for earning in earned if earning.template})
    bad: list[str] = []
    rows = plans.completed(ctx.client("docebo"), wanted, users=(user,), on_bad=bad.append) if wanted else ()
    done = {row.plan_id for row in rows if row.user_id == user and date_reason(row.completed_at, None, ctx.now) is None}
    templates = sorted({earning.template for earning in earned if earning.template and earning.id in done})
    problems += tuple(Problem("enrollment", description) for description in bad)
    return Answer({"templates": templates, "completed_plans": sorted(done)}, (), problems)


def filter_unassigned(spec: ProviderSpec, ctx: RunContext) -> Answer:
    """Of the templates those that a user does not hold; any credential counts, whatever its state (CR-34).

    Where the overwrite setting asks for a change of what is held, those go on as well (AC-36).
    """
    user, templates = numbered(ctx, "user")[0], listed(ctx, "template")
    check_templates(spec, ctx, templates)
    person = users.get(ctx.client("docebo"), user)
    if person is None:
        raise UsageError(f"Docebo has no user {user}", hint=f"connectctl flow show {ctx.flow}")
    provider, email = open_provider(spec, ctx), normal_email(person.email)
    overwrite = _values(spec, ctx)[spec.keys["overwrite"]] if "overwrite" in spec.keys else ""
    free, held = [], {}
    for template in dict.fromkeys(templates):
        credential = duplicate_of(provider.find(template, user, email), user, email)
        if credential is None:
            free.append(template)
        else:
            held[template] = {"id": credential.id, "state": credential.state}
            if overwrite in (OVERWRITE, CREATE_NEW):
                free.append(template)
    return Answer({"templates": free, "held": held})


# -- certifications ---------------------------------------------------------------------------------------------------


def read_awards(spec: ProviderSpec, ctx: RunContext) -> Answer:
    """The awards on or after the start date of the certifications that active rows name, handed on to be processed
    (CR-29): what each asks for is decided there, from what Docebo says then.
    """
    start, _ = start_date(spec, _values(spec, ctx), ctx)
    mapping = MappingColumns.of(spec)
    rows = ctx.table(spec.mapping_table.name).all()
    mapped = {str(row[mapping.certification] or "").strip() for row in rows if row[mapping.active] is True} - {""}
    found, problems = _awards(ctx, set(listed(ctx, "certification")) or mapped, numbered(ctx, "user"))
    listed_now = [award for award in found if award.issued_at and (start is None or award.issued_at >= start)]
    people: dict[str, set[str]] = {}
    for award in listed_now:
        people.setdefault(award.code.strip(), set()).add(award.user_id)
    calls = tuple(
        Call(f"{spec.name}.process-awards", {"certification": [code], "user": some})
        for code, users_of in sorted(people.items())
        for some in _shares(sorted(users_of))
    )
    return Answer({"awards": [_award(award) for award in listed_now]}, (), problems, calls)


def find_award(spec: ProviderSpec, ctx: RunContext) -> Answer:
    """The award of a certification that a user has; an expired or revoked one is none (CR-51)."""
    found, problems = _awards(ctx, {str(ctx.params["certification"])}, numbered(ctx, "user"))
    live = [award for award in found if award.expires_at is None or award.expires_at > ctx.now]
    live.sort(key=lambda award: (_said(award.issued_at) or "", award.id))
    return Answer({"award": _award(live[-1]) if live else None}, (), problems)


def _awards(
    ctx: RunContext, codes: set[str], people: Sequence[str]
) -> tuple[list[certifications.Award], tuple[Problem, ...]]:
    docebo = ctx.client("docebo")
    bad: list[str] = []
    wanted = sorted(one.id for one in certifications.walk(docebo, on_bad=bad.append) if one.code.strip() in codes)
    found = list(certifications.awards(docebo, wanted, users=people, on_bad=bad.append)) if wanted else []
    kept = [award for award in found if not people or award.user_id in people]
    return kept, tuple(Problem("award", description) for description in bad)


def _award(award: certifications.Award) -> dict[str, Any]:
    return {
        "id": award.id,
        "certification": award.code,
        "user": award.user_id,
        "issued_at": _said(award.issued_at),
        "expires_at": _said(award.expires_at),
        "always_valid": award.expires_at is None,
    }


# -- shared -----------------------------------------------------------------------------------------------------------


def _values(spec: ProviderSpec, ctx: RunContext) -> dict[str, Any]:
    return read_settings(spec.integration, spec.settings, ctx.settings(spec.integration), ctx.timezone)


def _mapped(spec: ProviderSpec, ctx: RunContext, only: Sequence[str]) -> tuple[list[Earning], tuple[Problem, ...]]:
    """What mapped plans earn, those named or all."""
    mapping = MappingColumns.of(spec)
    problems: list[Problem] = []
    table = ctx.table(spec.mapping_table.name).all()
    mappings, _ = by_number(ctx, table, mapping.plan, problems, whole=True)
    mappings = [row for row in mappings if not only or str(row[mapping.plan] or "").strip() in only]
    wanted = {str(row[mapping.plan]).strip() for row in mappings if str(row[mapping.plan] or "").strip()}
    names = plan_names(ctx, wanted, problems, whole=True)
    rows = [dict(row) for row in ctx.table(spec.template_table.name).all()]
    mapped = plan_earnings(mappings, mapping, rows, Columns.of(spec), names)
    selections = PlanSelections(spec, ctx, rows, problems, only or None)
    earned = union(mapped, selections.first(fresh=True)[0]) if selections.some else mapped
    return earned, tuple(problems)


def _left_out(earned: Sequence[Earning]) -> tuple[Skip, ...]:
    return tuple(
        Skip(earning.part, earning.reason, earning.detail, template=earning.element, source=earning.source)
        for earning in earned
        if not earning.template
    )


def _shares(people: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(people), PEOPLE):
        yield list(people[start : start + PEOPLE])


def _said(value: Any) -> Any:
    """A moment in UTC, as all moments in JSON; anything else as it is."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
