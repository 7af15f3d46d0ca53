"""Reads what `coverage` judges (gaps.py): Docebo's courses, plans and certifications beside the providers' tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectctl.badging.accounts import check_account
from connectctl.badging.columns import MappingColumns
from connectctl.badging.courses import decide_values, known_details, list_courses, read_selected
from connectctl.badging.earnings import Selected, element_ids
from connectctl.badging.field import find_field
from connectctl.badging.gaps import KINDS, Coverage, Gap, Kind, command, gaps, rows_by
from connectctl.docebo import certifications, plans
from connectctl.docebo.certifications import Certification
from connectctl.docebo.courses import CourseRow
from connectctl.docebo.fields import FieldDef
from connectctl.docebo.plans import PlanRow
from connectctl.errors import BadAnswer, ConfigError, DataError, NotAllowed, NotFound, Rejected
from connectctl.model import Problem, RunContext
from connectctl.plugins.specs import ProviderSpec

REFUSALS = (BadAnswer, NotAllowed, NotFound, Rejected)


def find(ctx: RunContext, providers: Sequence[ProviderSpec], kinds: Collection[Kind] = KINDS) -> list[Gap]:
    """The gaps of the providers, one after the other. Every list is read once, whole pages at a time; a course's
    detail only when it is new or has changed since a run remembered it.

    What cannot be read is a gap of its own, without a provider. Raises ConfigError for another account than the
    store's, RemoteDown, AuthFailed. Writes nothing.
    """
    docebo = ctx.client("docebo")
    check_account(ctx, "docebo", "Docebo", docebo.account)
    reading, found = _Reading(ctx), list[Gap]()
    for spec in providers:
        view, failed = reading.view(spec, kinds)
        found += [*gaps(view, kinds), *failed]
    fix = command("connection", "test", "docebo")
    return found + [Gap(kind, "", "", "", words, fix) for kind, words in reading.unread]


@dataclass(slots=True)
class _Reading:
    """What Docebo has, each list read once for all providers."""

    ctx: RunContext
    unread: list[tuple[Kind, str]] = field(default_factory=list)
    lists: dict[Kind, Any] = field(default_factory=dict)  # None: it could not be read
    read_now: set[str] = field(default_factory=set)

    def view(self, spec: ProviderSpec, kinds: Collection[Kind]) -> tuple[Coverage, list[Gap]]:
        """What one provider's gaps follow from, and why some of it is not there."""
        templates = [dict(row) for row in self.ctx.table(spec.template_table.name).all()]
        mappings = [(row.doc_id, dict(row)) for row in self.ctx.table(spec.mapping_table.name).all()]
        view, failed = Coverage(spec, templates, mappings), list[Gap]()
        columns = MappingColumns.of(spec)
        if "course" in kinds:
            view, gap = self._with_courses(view)
            failed += [gap] if gap else []
        if "plan" in kinds or ("mapping" in kinds and rows_by(view, columns.plan)):
            view = replace(view, plans=self._list("plan", self._plans))
        if "certification" in kinds or ("mapping" in kinds and rows_by(view, columns.certification)):
            view = replace(view, certifications=self._list("certification", self._certifications))
        return replace(view, partial=frozenset(kind for kind, _ in self.unread)), failed

    def _with_courses(self, view: Coverage) -> tuple[Coverage, Gap | None]:
        """The view with the courses and what decides them, or the reason why they cannot be judged."""
        spec = view.spec
        try:
            name, definition = find_field(spec, self.ctx)
            if definition is None:
                hint = command(spec.name, "sync-field")
                raise ConfigError(f"Docebo has no course field {name!r} yet", hint=hint)
            if self._list("course", self._courses) is not None:
                view = replace(view, field=definition, courses=self._selected(definition))
                configured, sync = self.ctx.client("docebo").field_value, command(spec.name, "sync-field")
                mode = decide_values(definition, view.courses or (), configured, sync)
                view = replace(view, mode=mode)
        except (ConfigError, DataError, *REFUSALS) as error:
            return view, Gap("course", "", "", spec.name, error.message, error.hint)
        return view, None

    def _selected(self, definition: FieldDef) -> list[Selected]:
        """What each course has selected in a dropdown; what is remembered of an element that is gone is read again."""
        details, known = known_details(self.ctx), {option.id for option in definition.options}
        known |= set(element_ids(definition))
        found, stale = dict[str, Selected](), list[CourseRow]()
        for row in self.lists["course"]:
            detail = details[row.id]
            one = Selected(row.id, str(detail["name"] or row.name), (detail["fields"] or {}).get(definition.id))
            if one.value and one.value.strip() not in known and row.id not in self.read_now:
                stale.append(row)
            else:
                found[row.id] = one
        problems: list[Problem] = []
        again, read_now = read_selected(self.ctx, stale, definition.id, problems, fresh=True)
        self.read_now |= read_now
        self._note("course", [problem.error for problem in problems])
        return [*found.values(), *again]

    def _list(self, kind: Kind, read: Callable[[list[str]], list[Any]]) -> Any:
        if kind not in self.lists:
            bad: list[str] = []
            try:
                self.lists[kind] = read(bad)
            except REFUSALS as error:
                self.lists[kind] = None
                bad.append(error.message)
            self._note(kind, bad)
        return self.lists[kind]

    def _courses(self, bad: list[str]) -> list[CourseRow]:
        """The courses whose detail is known."""
        problems: list[Problem] = []
        rows = list_courses(self.ctx, (), problems)
        selected, self.read_now = read_selected(self.ctx, rows, "", problems)
        bad += [problem.error for problem in problems]
        readable = {one.id for one in selected}
        return [row for row in rows if row.id in readable]

    def _plans(self, bad: list[str]) -> list[PlanRow]:
        return list(plans.walk(self.ctx.client("docebo"), on_bad=bad.append))

    def _certifications(self, bad: list[str]) -> list[Certification]:
        return list(certifications.walk(self.ctx.client("docebo"), on_bad=bad.append))

    def _note(self, kind: Kind, bad: Sequence[str]) -> None:
        self.unread += [(kind, words) for words in bad]
