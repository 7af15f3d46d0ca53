"""Evidence and references of a credential (accredible.md 4)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from . import accredible_body as body
from . import accredible_render as render
from .accredible import Accredible
from .accredible_body import Invalid
from .accredible_lists import credential_of
from .accredible_records import Attachment, Credential
from .web import Call, Refused, Response, Route

REFEREE = {"name": body.text, "email": body.email, "avatar": body.text, "url": body.text}


def evidence_from(accredible: Accredible, sent: Any) -> Attachment:
    """A piece of evidence from what was sent; Invalid when it is none."""
    values = body.read(_object(sent, "evidence_items"), body.EVIDENCE, body.EVIDENCE_REQUIRED)
    return Attachment(accredible.new_id("evidence"), _checked_evidence(values))


def reference_from(accredible: Accredible, sent: Any) -> Attachment:
    """A reference from what was sent; Invalid when it is none."""
    values = body.read(_object(sent, "references"), body.REFERENCE, body.REFERENCE_REQUIRED)
    return Attachment(accredible.new_id("reference"), _checked_reference(values))


def _object(sent: Any, name: str) -> dict[str, Any]:
    if not isinstance(sent, dict):
        raise Invalid({name: ["must be an array of objects"]})
    return sent


def _checked_evidence(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Transcripts and durations are JSON in a text."""
    if values["category"] in ("transcript", "course_duration"):
        try:
            json.loads(values.get("string_object") or "")
        except ValueError:
            raise Invalid({"string_object": ["is not JSON"]}) from None
    return values


def _checked_reference(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """An avatar that cannot be fetched is a server error (4.2); here that is a host under .invalid."""
    referee = body.read(values.get("referee") or {}, REFEREE)
    if (urlsplit(referee.get("avatar") or "").hostname or "").endswith(".invalid"):
        raise Refused(500, "An internal server error occurred.")
    return values


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two kinds of attachments: its root key, where it is kept, and how it is read, checked and drawn."""

    root: str
    kept: str
    make: Callable[[Accredible, Any], Attachment]
    fields: Mapping[str, body.Reader]
    check: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    draw: Callable[[Attachment], dict[str, Any]]

    def items(self, one: Credential) -> tuple[Attachment, ...]:
        """Those of a credential."""
        items: tuple[Attachment, ...] = getattr(one, self.kept)
        return items

    def answer(self, item: Attachment) -> Response:
        """200 with one of them under its root key."""
        return Response(200, {self.root: self.draw(item)})

    def routes(self, path: str) -> tuple[Route[Accredible], ...]:
        """Create, read, change and delete below the credential."""
        one = rf"{path}/([^/]+)"
        return (
            Route("POST", path, self.create, body="json"),
            Route("GET", one, self.read),
            Route("PUT", one, self.update, body="json"),
            Route("DELETE", one, self.delete),
        )

    def create(self, accredible: Accredible, call: Call) -> Response:
        """One more."""
        holder = credential_of(accredible, call.caller, call.ids[0])
        item = self.make(accredible, body.wrapped(call.body, self.root))
        self._keep(accredible, holder, (*self.items(holder), item))
        return self.answer(item)

    def read(self, accredible: Accredible, call: Call) -> Response:
        """One of them; 404 for an unknown id."""
        return self.answer(self._one(accredible, call)[1])

    def update(self, accredible: Accredible, call: Call) -> Response:
        """Only what is sent changes."""
        holder, old = self._one(accredible, call)
        values = body.read(body.wrapped(call.body, self.root), self.fields)
        new = replace(old, values=self.check({**old.values, **values}))
        self._keep(accredible, holder, tuple(new if item.id == old.id else item for item in self.items(holder)))
        return self.answer(new)

    def delete(self, accredible: Accredible, call: Call) -> Response:
        """200 with what was deleted."""
        holder, old = self._one(accredible, call)
        self._keep(accredible, holder, tuple(item for item in self.items(holder) if item.id != old.id))
        return self.answer(old)

    def _one(self, accredible: Accredible, call: Call) -> tuple[Credential, Attachment]:
        holder = credential_of(accredible, call.caller, call.ids[0])
        for item in self.items(holder):
            if str(item.id) == call.ids[1]:
                return holder, item
        raise Refused(404, "Not found")

    def _keep(self, accredible: Accredible, holder: Credential, items: tuple[Attachment, ...]) -> None:
        accredible.change(holder.id, **{self.kept: items})


EVIDENCE = Kind("evidence_item", "evidence", evidence_from, body.EVIDENCE, _checked_evidence, render.evidence)
REFERENCE = Kind("reference", "references", reference_from, body.REFERENCE, _checked_reference, render.reference)

ROUTES: tuple[Route[Accredible], ...] = (
    *EVIDENCE.routes(r"/v1/credentials/([^/]+)/evidence_items"),
    *REFERENCE.routes(r"/v1/credentials/([^/]+)/references"),
)
