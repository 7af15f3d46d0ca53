"""What the import would do, and what Docebo has of what it did: read anew and in full, to be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connectctl.badging import inward, inward_plan
from connectctl.badging.inward_view import AwardView, TrainingView
from connectctl.badging.provider import ENDED
from connectctl.badging.reconcile_inward import InwardView, gone, is_live, young
from connectctl.docebo import certifications, training
from connectctl.docebo.certifications import Award
from connectctl.docebo.training import Training
from connectctl.errors import BadAnswer
from connectctl.model import Applied, Part, Plan, Problem, Recorded, RunContext

PART = "inwards:"
REST = "inwards:rest"


@dataclass(slots=True)
class Inward:
    """The import's side of a comparison. `inside` is the run as the import sees it."""

    inside: Any
    emptied: dict[str, str]  # connection -> what it listed none of, where there have to be some
    repair: bool
    revoke: bool
    trainings: dict[str, Training] | None = None
    awards: dict[str, dict[str, Award]] = field(default_factory=dict)  # certification id -> award id -> award
    met: set[str] = field(default_factory=set)  # holdings that some credential stands for
    young: int = 0  # entries that are passed over, because Docebo's lists need not show them yet

    def parts(self) -> Iterator[Part]:
        """The import's parts block by block, then what the ledger has and no credential stands for."""
        for part in inward.parts(self.inside):
            yield Part(PART + part.id, part.title)
        yield Part(REST, "imports without a credential")

    def read(self, ctx: RunContext, part: Part) -> InwardView:
        """The view of the block that `parts` has just named."""
        if part.id == REST:
            return self._view(ctx, Plan(), self._rest(ctx))
        view = inward.read(self.inside, Part(part.id.removeprefix(PART), part.title))
        planned = inward_plan.plan(view)
        if not isinstance(view, TrainingView | AwardView):
            return self._view(ctx, Plan(problems=planned.problems), {})
        self.met |= view.applied.keys()
        return self._view(ctx, planned, view.applied)

    def _rest(self, ctx: RunContext) -> dict[str, Applied]:
        """The live entries of the mapped templates and certifications of which no credential was listed."""
        shared: inward.Shared = self.inside.shared
        account, found = shared.common.account, dict[str, Applied]()
        for source in shared.sources.values():
            names = source.templates if source.kind == "training" else (source.code,)
            if set(source.templates) & shared.arrivals.failed.keys():
                continue  # not read, so nothing is known of what is not there
            for name in names:
                found |= ctx.applied("|".join((account, source.kind, name, "")))
        return {place: entry for place, entry in found.items() if place not in self.met and is_live(entry)}

    def _view(self, ctx: RunContext, planned: Plan, applied: Mapping[str, Applied]) -> InwardView:
        live = [entry for entry in applied.values() if is_live(entry)]
        recorded = ctx.recorded([entry.key for entry in live])
        found: dict[str, Training | Award] = {}
        problems = list(planned.problems)
        bad: list[str] = []
        for entry in live:
            found |= self._listed(ctx, str(recorded[entry.key].change.data.get("certification_id") or ""), bad)
        problems += [Problem("inwards", words) for words in dict.fromkeys(bad)]
        if live and not found:
            words = f"Docebo lists none of what was imported, the ledger has {len(live)}"
            self.emptied.setdefault("docebo", words)
        view = InwardView(
            Plan(planned.changes, (), planned.skipped, tuple(problems), planned.seen),
            applied,
            recorded,
            found,
            {},
            ctx.now,
            self.repair,
            self.revoke,
            frozenset(ctx.retrying),
            self._shown(live, recorded),
        )
        self.young += len(young(view))
        if not found or bad:
            return view  # an unreadable row may be the one that is missing
        looked = {entry.holding: self._look(ctx, recorded[entry.key].change.data) for entry in gone(view)}
        known = {place: ids for place, ids in looked.items() if ids is not None}
        return replace(view, looked=known)

    def _shown(self, live: Iterable[Applied], recorded: Mapping[str, Recorded]) -> dict[str, str]:
        """How the credentials of these entries are listed, by holding; one that was not listed is left out."""
        spool, found = self.inside.shared.spool, dict[str, str]()
        for entry in live:
            one = spool.credential(entry.version.partition("@")[0])
            if one is None:
                continue
            others = recorded[entry.key].change.user not in spool.users_of(one.emails)
            owner = f"with another owner ({', '.join(sorted(one.emails)) or 'no address'})" if others else ""
            state = f"as {one.state}" if one.state in ENDED else ""
            found[entry.holding] = " and ".join(filter(None, (state, owner))) or "among those that count elsewhere"
        return found

    def _listed(self, ctx: RunContext, certification: str, bad: list[str]) -> Mapping[str, Training | Award]:
        """All trainings, or all awards of a certification, by id; read once."""
        docebo = ctx.client("docebo")
        if certification:
            if certification not in self.awards:
                rows = certifications.awards(docebo, [certification], on_bad=bad.append)
                self.awards[certification] = {award.id: award for award in rows}
            return self.awards[certification]
        if self.trainings is None:
            self.trainings = {one.id: one for one in training.walk(docebo, on_bad=bad.append)}
        return self.trainings

    def _look(self, ctx: RunContext, data: Mapping[str, Any]) -> frozenset[str] | None:
        """The ids of what the user has of the same credential, or certification; None where nobody can tell."""
        docebo, user, bad = ctx.client("docebo"), str(data["user_id"]), list[str]()
        try:
            if data.get("certification_id"):
                certification = str(data["certification_id"])
                rows = certifications.awards(docebo, [certification], users=[user], on_bad=bad.append)
                ids = {award.id for award in rows if award.expires_at is None or award.expires_at > ctx.now}
            else:
                codes = {str(data["code"]), *data.get("codes", ())}
                trainings = training.walk(docebo, users=[user], on_bad=bad.append)
                ids = {one.id for one in trainings if one.code in codes}
        except BadAnswer:
            return None
        return None if bad else frozenset(ids)
