"""Signing in: `POST /oauth2/token` and what a bearer token opens (docebo.md 1.2)."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import parse_qs

from .docebo import Docebo
from .web import Call, Refused, Request, Response, Route

GRANTS: dict[str, tuple[str, ...]] = {
    "password": ("username", "password"),
    "client_credentials": (),
    "refresh_token": ("refresh_token",),
}


def check_bearer(docebo: Docebo, request: Request) -> None:
    """Refused 401 without a live access token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    expires_at = docebo.access_tokens.get(token) if scheme.lower() == "bearer" else None
    if expires_at is None or expires_at <= docebo.clock.now():
        raise Refused(401, "Your request was made with invalid credentials.")


def token(docebo: Docebo, call: Call) -> Response:
    """An access token, or an OAuth error."""
    form = _form(call.request)
    if isinstance(form, Response):
        return form
    grant = form.get("grant_type")
    if not grant:
        return oauth_error(400, "invalid_request", "The grant type was not specified in the request")
    if grant not in GRANTS:
        return oauth_error(400, "unsupported_grant_type", f'Grant type "{grant}" not supported')
    known = {"grant_type", "client_id", "client_secret", "scope", *GRANTS[grant]}
    unknown = sorted(set(form) - known)
    if unknown:
        return oauth_error(400, "invalid_request", f"Unknown parameters: {', '.join(unknown)}")
    own = docebo.credentials
    if (form.get("client_id"), form.get("client_secret")) != (own.client_id, own.client_secret):
        return oauth_error(400, "invalid_client", "The client credentials are invalid")
    if form.get("scope", "") not in ("", "api"):
        return oauth_error(400, "invalid_scope", "An unsupported scope was requested")
    missing = [name for name in GRANTS[grant] if not form.get(name)]
    if missing:
        return oauth_error(400, "invalid_request", f"Missing parameters: {', '.join(missing)}")
    if grant == "password" and (form["username"], form["password"]) != (own.username, own.password):
        return oauth_error(401, "invalid_grant", "Invalid username and password combination")
    if grant == "refresh_token":
        if docebo.flags.refuse_refresh or form["refresh_token"] not in docebo.refresh_tokens:
            return oauth_error(400, "invalid_grant", "Invalid refresh token")
        docebo.refresh_tokens.discard(form["refresh_token"])
    return Response(200, _issue(docebo, with_refresh=grant != "client_credentials"))


def _issue(docebo: Docebo, *, with_refresh: bool) -> dict[str, Any]:
    access = hashlib.sha256(docebo.new_uuid().encode()).hexdigest()[:40]
    lifetime = docebo.flags.token_lifetime
    docebo.access_tokens[access] = docebo.clock.now() + lifetime
    as_string = docebo.flags.expires_in_as_string
    answer: dict[str, Any] = {
        "access_token": access,
        "expires_in": str(lifetime) if as_string else lifetime,
        "token_type": "bearer" if as_string else "Bearer",
        "scope": "api",
    }
    if with_refresh:  # not promised for client_credentials (docebo.md 1.2)
        refresh = hashlib.sha256(docebo.new_uuid().encode()).hexdigest()[:40]
        docebo.refresh_tokens.add(refresh)
        answer["refresh_token"] = refresh
    return answer


def oauth_error(status: int, error: str, description: str) -> Response:
    """An error of the OAuth layer, which has a shape of its own (docebo.md 1.2)."""
    return Response(status, {"error": error, "error_description": description})


def _form(request: Request) -> dict[str, str] | Response:
    """The form fields, sent as a form or as JSON."""
    if request.media_type == "application/x-www-form-urlencoded":
        pairs = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        if any(len(values) > 1 for values in pairs.values()):
            return oauth_error(400, "invalid_request", "A parameter is repeated")
        return {name: values[0] for name, values in pairs.items()}
    if request.media_type == "application/json":
        try:
            data = json.loads(request.body)
        except ValueError:
            data = None
        if isinstance(data, dict) and all(isinstance(value, str) for value in data.values()):
            return data
        return oauth_error(400, "invalid_request", "The body is not a JSON object of strings")
    return oauth_error(415, "invalid_request", "Send a form or JSON")


ROUTES: tuple[Route[Docebo], ...] = (Route("POST", r"/oauth2/token", token, body="form"),)
