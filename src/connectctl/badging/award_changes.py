"""The requests that an award can ask for, with everything frozen that goes into them (CR-37 to CR-39, CR-59, CR-60)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectctl.badging.award_rules import AwardView
from connectctl.badging.award_versions import Behind, version
from connectctl.badging.existing import beside, updated
from connectctl.badging.plan import Learner, holding, stamp
from connectctl.badging.provider import Credential
from connectctl.docebo.certifications import Award
from connectctl.model import Applied, Change


@dataclass(frozen=True, slots=True)
class AwardChanges:
    """Makes the changes of one part."""

    view: AwardView
    template: str

    def issue(self, user: str, award: Award, ended: Sequence[str] = (), applied: Applied | None = None) -> Change:
        data, known, words = self._data(user, award), version(award), ""
        if ended:
            ids = sorted(ended)
            data["instead_of"] = ids
            known, words = "/".join((known, *ids)), f"; again, after {', '.join(ids)} ended"
        supersedes = applied.key if applied is not None and applied.live else None
        return self._change("issue", user, data, f"certification awarded {_day(award)}{words}", known, supersedes)

    def replace(
        self, user: str, award: Award, target: str, shown: Credential | None, applied: Applied | None
    ) -> Change:
        """All of it again; an address can only change before the learner has accepted the credential (CR-39)."""
        if self.view.can.in_place:
            return updated(self.issue(user, award), shown or target, applied, self.view.can)
        data = self._data(user, award) | {"replaces": target}
        if shown is None or shown.state != "pending":
            data["email"] = ""
        words = f"certification renewed {_day(award)}, replaces {target}"
        key = applied.key if applied is not None else None
        return self._change("replace", user, data, words, f"{version(award)}/{target}", key)

    def beside(self, user: str, award: Award, held: Sequence[str], applied: Applied | None) -> Change:
        """Another one beside those that there are (AC-58)."""
        return beside(self.issue(user, award), held, applied, allowed=self.view.duplicates)

    def revoke(self, user: str, before: Behind, target: str, applied: Applied) -> Change:
        data = {
            "template_id": self.template,
            "credential_id": target,
            "earner_id": user,
            "reason": f"The certification {self.view.earning.name} was revoked in Docebo",
        }
        words = f"certification revoked, award {before.award}"
        return self._change(self.view.can.revoking, user, data, words, f"{before.text}/{target}", applied.key)

    def _change(
        self, action: str, user: str, data: Mapping[str, Any], reason: str, known: str, supersedes: str | None
    ) -> Change:
        view, learner = self.view, self.view.learners.get(user)
        place, email = holding(view.account, self.template, user), learner.email or None if learner else None
        source = view.earning.source
        return Change(action, place, data, reason, source, known, user, email, self.template, source, supersedes)

    def _data(self, user: str, award: Award) -> dict[str, Any]:
        view, learner = self.view, self.view.learners.get(user) or Learner(user, "", "", "")
        return {
            "template_id": self.template,
            "email": learner.email,
            "first_name": learner.first_name,
            "last_name": learner.last_name,
            "earner_id": user,
            "issued_at": stamp(award.issued_at) if award.issued_at else "",
            "expires_at": stamp(award.expires_at) if award.expires_at else False,  # the award's own (CR-59, CR-60)
            "evidence_title": view.evidence_title,
            "evidence_text": f"{view.flow_title}: certification {view.earning.name} ({view.earning.id})",
        }


def _day(award: Award) -> str:
    return award.issued_at.date().isoformat() if award.issued_at else ""
