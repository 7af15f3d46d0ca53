"""Which result of a bulk call belongs to which request (accredible.md 3.4). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectctl.api import IssueRequest
from connectctl_accredible import records
from connectctl_accredible.refusals import Refusal, refusal

MOST = 30  # credentials of one call


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one request: the credential as Accredible shows it, what is wrong with it, or both."""

    credential: Mapping[str, Any] | None = None
    refusal: Refusal | None = None


def paired(requests: Sequence[IssueRequest], results: Sequence[object]) -> list[Result | None]:
    """One result per request, None where nobody can tell.

    A credential is known by our own id, else by its address and group when only one request has those. That results
    come in the order of the requests is written nowhere: an error, which names nobody, is taken by its place, and only
    when there are as many results as requests and no credential stands in another place than its own.
    """
    found: list[Result | None] = [None] * len(requests)
    in_order = len(results) == len(requests)
    rows = [one if isinstance(one, dict) else {} for one in results]
    shown = [row.get("credential") if isinstance(row.get("credential"), dict) else None for row in rows]
    for place, credential in enumerate(shown):
        if credential is None:
            continue
        owner = _owner(requests, credential)
        in_order = in_order and owner == place
        if owner is not None:
            found[owner] = Result(credential, refusal(rows[place]))
    if in_order:
        for place, row in enumerate(rows):
            said = refusal(row)
            if shown[place] is None and said is not None:
                found[place] = Result(refusal=said)
    return found


def _owner(requests: Sequence[IssueRequest], credential: Mapping[str, Any]) -> int | None:
    named = set(records.marks(credential))
    if named:
        return next((place for place, request in enumerate(requests) if request.mark in named), None)
    who = (records.group_of(credential), records.email_of(credential))
    fits = [place for place, one in enumerate(requests) if (one.template_id, one.email) == who]
    return fits[0] if len(fits) == 1 else None
