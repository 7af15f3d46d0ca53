"""The path table, its overrides, and addresses given with too much path."""

from __future__ import annotations

import pytest

from connectctl.docebo.endpoints import PATHS, Paths, cut_base_url
from connectctl.errors import SettingInvalid


def test_every_default_leads_somewhere() -> None:
    paths = Paths()
    for name, endpoint in PATHS.items():
        path = paths.path(name, "7")
        assert path.startswith("/")
        assert "{" not in path
        assert set(endpoint.mark) <= set("DSTCA")


def test_items_follow_their_list_and_ids_are_quoted() -> None:
    paths = Paths({"courses_legacy": "/learn/v2/courses/", "user": "/manage/v2/person/{id}"})
    assert paths.path("course_legacy", "7") == "/learn/v2/courses/7"
    assert paths.path("user", "a b") == "/manage/v2/person/a%20b"
    assert paths.path("course", "../x") == "/course/v1/courses/..%2Fx"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("users", "https://evil.example/x"),
        ("users", "manage/v1/user"),
        ("users", "/manage/../x"),
        ("users", "//evil.example"),
        ("users", "/x?a=1"),
        ("users", "/x/{id}"),
        ("user", "/x"),
        ("users", "/x/{users}"),
        ("users", ""),
    ],
)
def test_an_override_must_be_a_path_of_its_kind(name: str, path: str) -> None:
    with pytest.raises(SettingInvalid, match=f"{name} is not a path"):
        Paths({name: path})


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(SettingInvalid, match=r"did you mean courses_legacy\?"):
        Paths({"courses_legcy": "/x"})


@pytest.mark.req("UF-05")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://acme.docebosaas.com", "https://acme.docebosaas.com"),
        ("https://acme.docebosaas.com/", "https://acme.docebosaas.com"),
        ("https://acme.docebosaas.com/manage/v1/user", "https://acme.docebosaas.com"),
        ("https://acme.docebosaas.com/manage/v1/user/", "https://acme.docebosaas.com"),
        ("https://acme.docebosaas.com/oauth2/token", "https://acme.docebosaas.com"),
        ("https://acme.docebosaas.com/api-browser/", "https://acme.docebosaas.com"),
        ("https://learn.example.org:8443/academy/learn/v1/courses?x=1", "https://learn.example.org:8443/academy"),
        ("https://learn.example.org/academy/", "https://learn.example.org/academy"),
        ("https://learn.example.org/learn", "https://learn.example.org/learn"),
    ],
)
def test_a_base_url_with_an_endpoint_is_cut(given: str, expected: str) -> None:
    assert cut_base_url(given) == expected
