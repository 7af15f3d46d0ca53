"""Where Docebo's endpoints are: one table (docebo.md 13), each with how sure we are, each to be overridden."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from connectctl.errors import SettingInvalid


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path; `{name}` stands for an id or for another entry. `mark`: D documented, S swagger, T live-tested,
    C seen in working clients, A assumed (docebo.md 0.1)."""

    path: str
    mark: str


PATHS: Mapping[str, Endpoint] = {
    "token": Endpoint("/oauth2/token", "D"),
    "whoami": Endpoint("/manage/v1/user/session", "S"),
    "users": Endpoint("/manage/v1/user", "T"),
    "user": Endpoint("{users}/{id}", "S"),
    "user_fields": Endpoint("/manage/v1/user_fields", "S"),
    "courses": Endpoint("/course/v1/courses", "C"),
    "course": Endpoint("{courses}/{id}", "T"),
    "courses_legacy": Endpoint("/learn/v1/courses", "T"),
    "course_legacy": Endpoint("{courses_legacy}/{id}", "T"),
    "course_fields": Endpoint("/learn/v1/courses/field", "C"),
    "course_fields_write": Endpoint("/course/v1/courses/fields", "A"),
    "course_field": Endpoint("{course_fields_write}/{id}", "A"),
    "course_enrollments": Endpoint("/course/v1/courses/enrollments", "C"),
    "enrollments_legacy": Endpoint("/learn/v1/enrollments", "D"),
    "learning_plans": Endpoint("/learningplan/v1/learningplans", "C"),
    "learning_plan": Endpoint("{learning_plans}/{id}", "C"),
    "lp_enrollments": Endpoint("/learningplan/v1/learningplans/enrollments", "C"),
    "lp_fields": Endpoint("/learningplan/v1/learningplans/fields", "A"),
    "lp_field": Endpoint("{lp_fields}/{id}", "A"),
    "certifications": Endpoint("/learn/v1/certification", "C"),
    "certification_awards": Endpoint("/certification/v1/awards", "A"),
    "certification_award": Endpoint("{certification_awards}/{id}", "A"),
    "external_training": Endpoint("/learn/v1/external_training", "C"),
    "external_training_one": Endpoint("{external_training}/{id}", "A"),
    "webhooks": Endpoint("/webhook/v1/webhook", "A"),
    "externalids": Endpoint("/externalids/v1", "A"),
    "microservices": Endpoint("/manage/v1/site/microservices", "C"),
}

_PATH = re.compile(r"(/([A-Za-z0-9._~-]+|\{[a-z_]+\}))+")
_NAME = re.compile(r"\{([a-z_]+)\}")

# What the first part of an API path can be (docebo.md 0.3): from there on a configured address is cut.
_SERVICES = (
    "analytics|audiences|audittrail|certification|conferencetool|course|ecommerce|enrollment|externalids|impact|learn"
    "|learningplan|manage|marketplace|messenger|notifications|otj|pages|poweruser|proctoring|report|skill|share|webhook"
)
_API_PART = re.compile(rf"/(?:(?:{_SERVICES})/v\d+|oauth2|api-browser)(?:/.*)?$")


class Paths:
    """The endpoints of one connection. Raises SettingInvalid for an override that names nothing or is not a path."""

    def __init__(self, overrides: Mapping[str, str] | None = None) -> None:
        self._table = {name: endpoint.path for name, endpoint in PATHS.items()}
        for name, path in (overrides or {}).items():
            if name not in PATHS:
                near = difflib.get_close_matches(name, PATHS, n=1)
                raise SettingInvalid(
                    f"[connections.docebo.paths] has {name!r}, which is no endpoint"
                    + (f"; did you mean {near[0]}?" if near else "."),
                    hint="known names: " + ", ".join(PATHS),
                )
            path = path.strip().rstrip("/")
            names = set(_NAME.findall(path))
            fit = {"id"} if "{id}" in PATHS[name].path else set()
            dots = any(part in (".", "..") for part in path.split("/"))
            if not _PATH.fullmatch(path) or dots or names != fit:
                wanted = "/service/v1/things/{id}" if fit else "/service/v1/things"
                raise SettingInvalid(
                    f"[connections.docebo.paths] {name} is not a path such as {wanted}.",
                    hint=f'{name} = "{PATHS[name].path}"',
                )
            self._table[name] = path

    def path(self, name: str, id: str | None = None) -> str:
        """The path of an endpoint; `id` is quoted into it."""

        def fill(match: re.Match[str]) -> str:
            inner = match[1]
            if inner == "id":
                if not id:
                    raise ValueError(f"the endpoint {name} needs an id")
                return quote(id, safe="")
            return self._table[inner]

        return _NAME.sub(fill, self._table[name])


def cut_base_url(url: str) -> str:
    """The platform's address, when somebody gave that of an endpoint, such as …/manage/v1/user (UF-05).

    A sub-folder of the platform stays (docebo.md 1.1).
    """
    parts = urlsplit(url.strip())
    path = _API_PART.sub("", parts.path).rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))
