"""Why somebody has a credential, or has none: the ledger, the tables, and the same plan that a batch would make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectctl.badging.columns import Columns, MappingColumns
from connectctl.badging.reasons import sentence
from connectctl.docebo import users
from connectctl.errors import ConfigError, UsageError
from connectctl.flows.clock import RunClock
from connectctl.flows.evaluate import evaluate
from connectctl.flows.locks import Locks
from connectctl.flows.traces import Traces
from connectctl.plugins.names import did_you_mean

if TYPE_CHECKING:
    from connectctl.docebo.users import Person
    from connectctl.flows.context import Runtime
    from connectctl.flows.entries import Entry
    from connectctl.model import Part, Plan
    from connectctl.plugins.specs import ProviderSpec

Row = dict[str, Any]
TAKEN = ("done", "adopted", "foreign")
PENDING = ("intended", "sent", "unsure")


def explain(runtime: Runtime, user: str, template: str, *, offline: bool = False) -> list[Row]:
    """An answer for each provider that has the template, as `why --json` prints it.

    `user` is a Docebo id or an e-mail address, `template` an id or a name. `offline`: from the store alone. Raises
    UsageError for a user or a template that nobody knows, and what the remotes raise. Nothing is written anywhere.
    """
    alive = Locks.of(runtime.store, runtime.data_dir).alive
    asking = _Asking(runtime, Traces(runtime.store, alive), offline)
    found = asking.templates(template.strip())
    person = asking.person(user.strip(), template)
    return [asking.answer(spec, row, person) for spec, row in found]


@dataclass(slots=True)
class _Asking:
    runtime: Runtime
    traces: Traces
    offline: bool

    # -- who and what -----------------------------------------------------------------------------------------------

    def templates(self, wanted: str) -> list[tuple[ProviderSpec, Row]]:
        """The providers that have the template, each with what is known of it."""
        found: list[tuple[ProviderSpec, Row]] = []
        names: list[str] = []
        tables: list[str] = []
        for spec in self.runtime.plugins.providers.values():
            columns = Columns.of(spec)
            rows = [dict(row) for row in self.runtime.store.table(spec.template_table).all()]
            names += [str(row[columns.name]) for row in rows]
            tables.append(spec.template_table.name)
            mine = [row for row in rows if str(row[columns.id]) == wanted]
            mine = mine or [row for row in rows if str(row[columns.name]).strip().lower() == wanted.lower()]
            for row in mine:
                known = {"id": str(row[columns.id]), "name": str(row[columns.name]), "active": row[columns.active]}
                found.append((spec, known))
            if not mine and self._of_provider(spec, self.traces.entries(containing=f"|{wanted}|")):
                found.append((spec, {"id": wanted, "name": None, "active": None}))  # it was there once
        if found:
            return found
        hint = f"connectctl lookup show {tables[0]}" if tables else "connectctl plugin list"
        raise UsageError(f"There is no template {wanted!r}{did_you_mean(wanted, names)}", hint=hint)

    def person(self, wanted: str, template: str) -> Row:
        """Who is asked about: id, e-mail and name, the latter two null where only the store was asked."""
        if self.offline:
            ids = self.traces.users(wanted.lower()) if "@" in wanted else [wanted] * self.traces.knows(wanted)
            if len(ids) == 1:
                return {"id": ids[0], "email": wanted.lower() if "@" in wanted else None, "name": None}
            unknown, where = f"The store knows nothing of the user {wanted}", "why --user"
            hint = f'connectctl why --user {wanted} --template "{template}" asks Docebo'
        else:
            people = self._people(wanted)
            if len(people) == 1:
                one = people[0]
                name = f"{one.first_name} {one.last_name}".strip()
                return {"id": one.id, "email": (one.email or "").lower() or None, "name": name or None}
            ids, unknown, where = [one.id for one in people], f"Docebo has no user {wanted}", "why --user"
            hint = "connectctl why --user needs a Docebo user id or an e-mail address"
        if ids:
            hint = f'connectctl {where} {ids[0]} --template "{template}"'
            raise UsageError(f"Several users have the address {wanted}: {', '.join(sorted(ids))}", hint=hint)
        raise UsageError(unknown, hint=hint)

    def _people(self, wanted: str) -> list[Person]:
        plugins, settings = self.runtime.plugins, self.runtime.settings
        docebo = plugins.resolve(plugins.connection("docebo").client)(settings.connection("docebo"), RunClock())
        try:
            if "@" in wanted:
                return users.search(docebo, wanted)
            one = users.get(docebo, wanted) if wanted.isascii() and wanted.isdigit() else None
            return [one] if one else []
        finally:
            docebo.close()

    # -- one provider -----------------------------------------------------------------------------------------------

    def answer(self, spec: ProviderSpec, template: Row, person: Row) -> Row:
        """What there is and why, as one object."""
        ending = f"|{template['id']}|{person['id']}"
        entries = [e for e in self.traces.entries(ending) if e.holding.count("|") == 2]
        entries = self._of_provider(spec, entries)
        current = next((e for e in reversed(entries) if e.live), entries[-1] if entries else None)
        origins, remarks = self._origins(spec, template, person)
        imports = [self._entry(spec, e) for e in self._imports(spec, template, person)]
        credential = self._entry(spec, current) if current else None
        kind = _kind(current, origins)
        for one in origins:
            if credential and one["source"] == credential["origin"] and one["reason"] == "already_assigned":
                one["sentence"] = "It earned the one there is."
        logs = [
            {"key": key, **line}
            for key in dict.fromkeys([*(entry.key for entry in entries), *(entry["key"] for entry in imports)])
            for line in self.traces.log(key)
        ]
        return {
            "provider": spec.name,
            "template": template,
            "user": person,
            "answer": kind,
            "because": _because(kind, spec, credential, origins, template, remarks),
            "credential": credential,
            "origins": origins,
            "imports": imports,
            "log": logs,
            "settings": self._settings(spec),
            "remarks": remarks,
        }

    def _of_provider(self, spec: ProviderSpec, entries: Iterable[Entry]) -> list[Entry]:
        """Those that a flow of this provider wrote."""
        return [entry for entry in entries if entry.flow.startswith(f"{spec.name}.")]

    def _imports(self, spec: ProviderSpec, template: Row, person: Row) -> list[Entry]:
        """The trainings and awards that came from credentials of this template."""
        columns = MappingColumns.of(spec)
        rows = self.runtime.store.table(spec.mapping_table).all()
        codes = {str(r[columns.certification] or "").strip() for r in rows if str(r[columns.id]) == template["id"]}
        found = self.traces.entries(containing=f"|training|{template['id']}|{person['id']}|")
        for code in sorted(codes - {""}):
            found += self.traces.entries(f"|award|{code}|{person['id']}")
        return self._of_provider(spec, found)

    def _entry(self, spec: ProviderSpec, entry: Entry) -> Row:
        """An entry of the ledger with everything that decided it."""
        change, run = entry.change, self.traces.run(entry.run)
        kind, _, id = entry.origin.partition(":")
        params = run["params"] if run else {}
        return {
            "key": entry.key,
            "state": entry.state,
            "live": entry.live,
            "action": entry.action,
            "remote_id": entry.remote_id,
            "user": change.user,
            "email": change.email,
            "origin": entry.origin or None,
            "origin_name": self._name(kind, id),
            "version": entry.version,
            "reason": change.reason or None,
            "decided_by": self._decided_by(spec, kind, id, str(change.template or "")),
            "issued_at": change.data.get("issued_at"),
            "expires_at": change.data.get("expires_at"),
            "error": entry.error,
            "flow": entry.flow,
            "flow_title": _flow_title(change.data) or (run["title"] if run else None),
            "run": entry.run,
            "trigger": run["trigger"] if run else None,
            "event": params.get("event_id") or params.get("event"),
            "created_at": entry.created_at,
            "updated_at": entry.updated_at,
        }

    def _name(self, kind: str, id: str) -> str | None:
        """The name of a course or plan as it was last read."""
        if kind == "course":
            detail = self.traces.fact("course-details/", id)
            return str(detail["name"]) if detail else None
        name = self.traces.fact({"plan": "plan-names/", "certification": "certification-names/"}.get(kind, "-"), id)
        return name if isinstance(name, str) else None

    def _decided_by(self, spec: ProviderSpec, kind: str, id: str, template: str) -> str | None:
        """The element of the dropdown, or the mapping row, as it stands now."""
        if kind == "course":
            columns = Columns.of(spec)
            rows = self.runtime.store.table(spec.template_table).all()
            row = next((row for row in rows if str(row[columns.id]) == template), None)
            if row is None or row[columns.element] in (None, ""):
                return None
            return f"dropdown element {row[columns.element]} ({row[columns.name]})"
        mapping = MappingColumns.of(spec)
        column = {"plan": mapping.plan, "certification": mapping.certification}.get(kind)
        for row in self.runtime.store.table(spec.mapping_table).all():
            if column and str(row[mapping.id]) == template and str(row[column] or "").strip() == id:
                state = "active" if row[mapping.active] is True else "switched off"
                return f"row {row.doc_id} of {spec.mapping_table.title} ({state})"
        return None

    def _settings(self, spec: ProviderSpec) -> Row:
        """The settings that decide who gets what, as they are written now."""
        wanted = {spec.keys.get("start"), spec.keys.get("expiration_days")} - {None}
        rows = self.runtime.store.table(self.runtime.plugins.table("integration-settings")).all()
        mine = {str(row["Key"]).strip(): row["Value"] for row in rows if row["Integration"] == spec.integration}
        return {str(name): mine.get(name) for name in sorted(map(str, wanted))}

    # -- what could earn it -----------------------------------------------------------------------------------------

    def _origins(self, spec: ProviderSpec, template: Row, person: Row) -> tuple[list[Row], list[str]]:
        """Every course, plan or certification that earns the template, with its reason for this user."""
        if template["active"] is not True:
            reason = "template_unknown" if template["active"] is None else "template_inactive"
            return [_origin(None, None, reason)], []
        inactive = self._switched_off(spec, template["id"])
        if self.offline:
            left = self.traces.left_out(f"|{template['id']}|{person['id']}")
            mine = [one for one in left if one.flow.startswith(f"{spec.name}.")]
            told = [
                _origin(one.source, self._name(*_split(one.source)), one.reason, one.detail) | {"run": one.run}
                for one in mine
            ]
            return [*told, *inactive], ["Only the store was asked: what runs have not recorded is not known."]
        try:
            found, remarks = self._planned(spec, template["id"], person["id"])
        except ConfigError as error:
            return inactive, [f"{error.message}. Nothing is issued before that is mended: {error.hint}"]
        return [*found, *inactive] or [_origin(None, None, "mapping_missing")], remarks

    def _planned(self, spec: ProviderSpec, template: str, user: str) -> tuple[list[Row], list[str]]:
        flow = self.runtime.plugins.flow(f"{spec.name}.batch-sync")
        params = {"template": [template], "user": [user]}
        origins: dict[str, Row] = {}
        remarks: list[str] = []
        for part, plan in evaluate(self.runtime, flow, params):
            remarks += [f"Could not be read: {problem.error}" for problem in plan.problems]
            if _is_origin(part):
                told = _told(part, plan, template, user)
                known = origins.get(told["source"])
                if known is None or known["reason"] == "not_completed":
                    origins[told["source"]] = told
        if origins and all(one["reason"] == "not_completed" for one in origins.values()):
            # A completion before the start date is not even read: it is looked for without one.
            for part, plan in evaluate(self.runtime, flow, params | {"all_history": True}):
                if _is_origin(part) and _told(part, plan, template, user)["reason"] != "not_completed":
                    told = _told(part, plan, template, user)
                    origins[told["source"]] = told | _origin(told["source"], told["name"], "before_start_date")
        return list(origins.values()), list(dict.fromkeys(remarks))

    def _switched_off(self, spec: ProviderSpec, template: str) -> list[Row]:
        mapping = MappingColumns.of(spec)
        found = []
        for row in self.runtime.store.table(spec.mapping_table).all():
            for kind, column in (("plan", mapping.plan), ("certification", mapping.certification)):
                id = str(row[column] or "").strip()
                if id and str(row[mapping.id]) == template and row[mapping.active] is not True:
                    detail = f"row {row.doc_id} of {spec.mapping_table.title}"
                    found.append(_origin(f"{kind}:{id}", self._name(kind, id), "mapping_inactive", detail))
        return found


def _told(part: Part, plan: Plan, template: str, user: str) -> Row:
    """What a part's plan says of one user and template."""
    source = part.id.partition("|")[0]
    for change in plan.changes:
        if (change.user, change.template) == (user, template):
            return _origin(source, part.title, None, change.reason) | {"action": change.action}
    for change, outcome in plan.seen:
        if (change.user, change.template) == (user, template):
            detail = f"the provider shows {outcome.remote_id}, which is {outcome.status}"
            return _origin(source, part.title, "already_assigned", detail)
    skips = [skip for skip in plan.skipped if (skip.user, skip.template) == (user, template)]
    # Of several completions the one that says most: any reason but that it does not count.
    skips.sort(key=lambda skip: skip.reason in ("before_start_date", "not_completed"))
    if skips:
        return _origin(source, part.title, skips[0].reason, skips[0].detail)
    general = next((skip for skip in plan.skipped if skip.user is None), None)
    if general is not None:
        return _origin(source, part.title, general.reason, general.detail)
    return _origin(source, part.title, "not_completed")


def _is_origin(part: Part) -> bool:
    return part.id.partition(":")[0] in ("course", "plan", "certification")


def _split(source: str | None) -> tuple[str, str]:
    kind, _, id = (source or "").partition(":")
    return kind, id


def _origin(source: str | None, name: str | None, reason: str | None, detail: str = "") -> Row:
    words = sentence(reason) if reason else "It is due: the next batch sync carries it out."
    return {"source": source, "name": name or None, "reason": reason, "sentence": words, "detail": detail or None}


def _flow_title(data: Mapping[str, Any]) -> str | None:
    """The recipe that issued it, as the evidence names it."""
    title, colon, _ = str(data.get("evidence_text") or "").partition(": ")
    return title if colon else None


def _kind(current: Entry | None, origins: list[Row]) -> str:
    """held, pending (its answer is not known yet), due, ended, refused or none."""
    if current is not None and current.live and current.state in TAKEN:
        return "held"
    if current is not None and current.live and current.state in PENDING:
        return "pending"
    if any(one["reason"] is None for one in origins):
        return "due"
    if current is not None and current.state == "failed":
        return "refused"
    if any("the provider shows" in (one["detail"] or "") for one in origins):
        return "held"
    return "ended" if current is not None and current.state in TAKEN else "none"


def _because(
    kind: str, spec: ProviderSpec, credential: Row | None, origins: list[Row], template: Row, remarks: list[str]
) -> str:
    """The answer in one or two sentences."""
    if credential is not None and kind in ("held", "pending", "refused"):
        about, why = " ".join(filter(None, (credential["origin"], credential["origin_name"]))), credential["reason"]
        earned = f"Earned by {about}: {why}" if about else str(why or "")
        words = {
            "done": f"connectctl issued {credential['remote_id']}",
            "adopted": f"connectctl found {credential['remote_id']}, which is its own",
            "foreign": f"Somebody else issued {credential['remote_id']}; it counts, and is never touched",
            "failed": f"{spec.title} refused it: {credential['error']}",
        }.get(str(credential["state"]), "It is on its way: the next run looks what became of it")
        return f"{words}. {earned}." if earned else f"{words}."
    if kind == "held":
        one = next(one for one in origins if "the provider shows" in (one["detail"] or ""))
        return f"The learner has one that the ledger does not know: {one['detail']}."
    told = [one for one in origins if (one["reason"] is None) == (kind == "due")]
    lead = {"due": "There is none yet.", "ended": "The last one has ended."}.get(kind, "There is none.")
    reasons = dict.fromkeys(str(one["sentence"]) for one in told if one["reason"] != "not_completed")
    reasons = reasons or dict.fromkeys(str(one["sentence"]) for one in told)
    return " ".join([lead, *reasons, *([] if reasons else remarks)])
