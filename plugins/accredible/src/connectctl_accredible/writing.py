"""Creating, updating and ending credentials, with what Accredible answers taken at its word only where it proves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from connectctl.api import (
    AlreadyHeld,
    Client,
    ConnectctlError,
    Credential,
    DataError,
    IssueRequest,
    Rejected,
    RemoteDown,
    RemoteError,
    RemoteRefused,
    RemoteUnsure,
)
from connectctl_accredible import bodies, bulk, records
from connectctl_accredible.refusals import Refusal, refusal

CREATE, BULK = "v1/credentials", "v2/credentials/bulk_create"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A credential as an answer shows it, and what was said besides."""

    credential: Credential
    row: Mapping[str, Any]
    said: Refusal | None


class Writer:
    """The writing requests of one account.

    `read` gives a credential by Accredible's id or ours, `why` what keeps a group's credentials from being published.
    """

    def __init__(
        self, http: Client, read: Callable[[str], Mapping[str, Any] | None], why: Callable[[str], str]
    ) -> None:
        self._http, self._read, self._why = http, read, why

    def issue(self, request: IssueRequest) -> Credential:
        """One request; what it raises says `Accredible.issue`."""
        answer = self._http.request("POST", CREATE, json={"credential": bodies.issue(request)}, accept=(422,))
        row = answer.data.get("credential") if isinstance(answer.data, dict) else None
        said = refusal(answer.data)
        if isinstance(row, dict) and answer.status != 422:
            return self._made(request, row, said)
        if said is None and answer.status != 422:  # it said yes, and nobody knows to what
            raise _unsure("it answered without a credential")
        return self._there(request, said or Refusal("no explanation"), CREATE)

    def issue_many(self, requests: Sequence[IssueRequest]) -> list[Credential | ConnectctlError]:
        """As many calls as it takes. After one that cannot be sent the rest is not tried."""
        found: list[Credential | ConnectctlError] = []
        while len(found) < len(requests):
            some = requests[len(found) : len(found) + bulk.MOST]
            try:
                found += self._issue_some(some)
            except RemoteUnsure as error:
                found += [error] * len(some)
            except ConnectctlError as error:
                if not (found or isinstance(error, RemoteError)):
                    raise  # we were stopped, and nothing was sent
                found += [error] * (len(requests) - len(found))
        return found

    def _issue_some(self, requests: Sequence[IssueRequest]) -> list[Credential | ConnectctlError]:
        body = {"credentials": [bodies.issue(request) for request in requests]}
        answer = self._http.request("POST", BULK, json=body, accept=(422,))
        results = answer.data.get("results") if isinstance(answer.data, dict) else None
        if not isinstance(results, list):
            if answer.status == 422:  # not about one of them: the call as a whole
                raise _refused(refusal(answer.data) or Refusal("no explanation"), BULK)
            raise _unsure("it answered without results")
        paired = bulk.paired(requests, results)
        return [self._outcome(request, result) for request, result in zip(requests, paired, strict=True)]

    def _outcome(self, request: IssueRequest, result: bulk.Result | None) -> Credential | ConnectctlError:
        try:
            if result is None:
                raise _unsure("the answer does not say what became of it")
            if result.credential is not None:
                return self._made(request, result.credential, result.refusal)
            return self._there(request, result.refusal or Refusal("no explanation"), BULK)
        except ConnectctlError as error:
            return error

    def update(self, row: Mapping[str, Any], request: IssueRequest) -> Credential:
        """The credential with what the request says; RemoteUnsure for an answer that does not show it.

        Rejected, and nothing sent, for one that was given to another recipient: their credential is not ours to change.
        """
        one = records.credential(row)
        if one.earner_id not in (None, request.earner_id):
            raise Rejected(
                f"Accredible's credential {one.id} is now that of recipient {one.earner_id}, not {request.earner_id}; "
                "it is left alone.",
                connection="accredible",
            )
        body = bodies.update(request, records.meta_data(row), ended=one.state == "revoked")
        updated = self._put(one.id, body)
        _require(
            updated.credential.template_id == one.template_id, f"updated credential {one.id}", "it shows another group"
        )
        self._require_published(updated)
        if "expired_on" not in body:
            return updated.credential
        return self._with_expiry(updated.credential, body["expired_on"])

    def end(self, row: Mapping[str, Any], day: str, reason: str) -> None:
        """Expired on the day; RemoteUnsure for an answer that does not show it."""
        one = records.credential(row)
        ended = self._put(one.id, bodies.end(day, reason, records.meta_data(row))).credential
        _require(
            _expiry(ended) == day, f"ended credential {one.id}", f"it shows the expiry {_expiry(ended) or 'never'}"
        )

    def publish(self, row: Mapping[str, Any]) -> Credential:
        """Published, or Rejected with the reason."""
        published = self._put(records.credential(row).id, {"approve": True})
        self._require_published(published)
        return published.credential

    def _there(self, request: IssueRequest, said: Refusal, path: str) -> Credential:
        """What stands in the way of a new credential, when it is the one of this very request; else the refusal."""
        row = self._read(request.mark) if said.duplicate else None
        if row is None or request.mark not in records.marks(row):
            raise _refused(said, path)
        if row.get("approve") is not True:
            row = self._put(records.credential(row).id, {"approve": True}).row
        return self._made(request, row, None)

    def _made(self, request: IssueRequest, row: Mapping[str, Any], said: Refusal | None) -> Credential:
        """The new credential when it is the one asked for, published, and with the right expiry (AC-55)."""
        try:
            made = records.credential(row)
        except DataError as error:
            raise _unsure(error.message) from error
        _require(
            _fits(made, request), "created a credential", f"the answer shows {made.id}, of another group or person"
        )
        self._require_published(_Shown(made, row, said))
        if request.expires_at is None:
            return made
        return self._with_expiry(made, bodies.day(request.expires_at) if request.expires_at else None)

    def _with_expiry(self, one: Credential, wanted: str | None) -> Credential:
        """An expiry that is not the one wanted, such as the group's own period, is changed and looked at again."""
        if _expiry(one) == wanted:
            return one
        try:
            changed = self._put(one.id, {"expired_on": wanted}).credential
        except RemoteRefused as error:
            raise Rejected(_kept(one, wanted, error.message), connection="accredible", path=error.path) from error
        except RemoteDown as error:  # not changed, but the credential is there
            raise _unsure(error.message, f"made credential {one.id}") from error
        if _expiry(changed) != wanted:
            raise Rejected(_kept(changed, wanted, "it did not take the change."), connection="accredible")
        return changed

    def _put(self, credential_id: str, body: Mapping[str, Any]) -> _Shown:
        """The credential that a change leaves behind."""
        path = f"v1/credentials/{quote(credential_id, safe='')}"
        answer = self._http.put(path, json={"credential": body})
        said = refusal(answer)
        row = answer.get("credential") if isinstance(answer, dict) else None
        if row is None and said is not None:
            raise _refused(said, path, "PUT")
        try:
            row = records.mapping(row, "the changed credential")
            one = records.credential(row)
        except DataError as error:
            raise _unsure(error.message, f"changed credential {credential_id}") from error
        _require(one.id == credential_id, f"changed credential {credential_id}", f"the answer shows {one.id}")
        return _Shown(one, row, said)

    def _require_published(self, shown: _Shown) -> None:
        """A credential that nobody can see is a failure that says why, never a silent success."""
        if shown.row.get("approve") is True:
            return
        try:
            why = shown.said.words if shown.said else self._why(shown.credential.template_id)
        except RemoteError as error:
            why = f"nobody says why ({error.message.rstrip('.')})"
        raise Rejected(
            f"Accredible has credential {shown.credential.id} and did not publish it: {why}.",
            hint="publish it in Accredible's dashboard, or mend the cause and run: connectctl run retry RUN",
            connection="accredible",
            detail=why,
        )


def _fits(one: Credential, request: IssueRequest) -> bool:
    return one.template_id == request.template_id and request.email.lower() in one.emails


def _expiry(one: Credential) -> str | None:
    return one.expires_at.date().isoformat() if one.expires_at else None


def _kept(one: Credential, wanted: str | None, why: str) -> str:
    until = f"until {_expiry(one)}" if one.expires_at else "without an end"
    meant = f"until {wanted}" if wanted else "without an end"
    return f"Accredible made credential {one.id} valid {until}, not {meant}, and it could not be changed: {why}"


def _refused(said: Refusal, path: str, method: str = "POST") -> Rejected:
    """The error for a refusal; one that says `taken` means that the holding is."""
    kind = AlreadyHeld if said.duplicate and method == "POST" else Rejected
    message = f"Accredible refused {method} {path}: {said.words.rstrip('.')}."
    return kind(message, connection="accredible", method=method, path=path, status=422, detail=said.words)


def _unsure(why: str, what: str = "created a credential") -> RemoteUnsure:
    return RemoteUnsure(f"Accredible may have {what}: {why}", connection="accredible")


def _require(fits: bool, what: str, why: str) -> None:
    if not fits:
        raise _unsure(why, what)
