"""Which lists of credentials are read: one of everything, one per template, or look-ups, whichever are fewer."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from connectctl.badging.held import Held
from connectctl.badging.provider import Credential, Page
from connectctl.badging.spool import Spool
from connectctl.errors import Rejected

SIZE = 2


def credential(template: str, user: str) -> Credential:
    return Credential(f"{template}{user}", template, "pending", frozenset(), user)


class Provider:
    """Lists in pages of two, and counts what it was asked."""

    account, search_lag = "acme", 0.0

    def __init__(self, held: dict[str, int], *, tells: bool = True, refuses: bool = False) -> None:
        self.all = [credential(template, str(user)) for template, count in held.items() for user in range(count)]
        self.tells, self.refuses, self.calls = tells, refuses, list[str]()

    def held(self, template: str | None) -> Iterator[Page]:
        rows = [one for one in self.all if template in (None, one.template_id)]
        pages = -(-len(rows) // SIZE)
        for number in range(max(1, pages)):
            self.calls.append(f"list {template or 'all'}")
            if self.refuses and template is None:
                raise Rejected("name a template", connection="acme", status=422)
            yield Page(rows[number * SIZE : (number + 1) * SIZE], pages if self.tells else 0)

    def find(self, template: str, user: str, email: str) -> list[Credential]:
        self.calls.append(f"find {user}")
        return [one for one in self.all if (one.template_id, one.earner_id) == (template, user)]


CASES: list[tuple[str, Provider, list[str]]] = [
    ("nothing held", Provider({}), ["list all"]),
    ("few in all", Provider({"a": 1, "b": 1, "c": 1}), ["list all"] * 2),
    ("as many pages as templates", Provider({"a": 2, "b": 2, "c": 2}), ["list all"] * 3),
    ("more pages than templates", Provider({"a": 4, "b": 3}), ["list all", *["list a"] * 2, *["list b"] * 2, "list c"]),
    ("others hold the most", Provider({"z": 90, "a": 1}), ["list all", "list a", "list b", "list c"]),
    ("pages are not told", Provider({"a": 1}, tells=False), ["list all", "list a", "list b", "list c"]),
    ("refused", Provider({"a": 1}, refuses=True), ["list all", "list a", "list b", "list c"]),
]


@pytest.mark.req("CR-34", "CR-71")
@pytest.mark.parametrize(("provider", "calls"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_fewest_lists_and_always_the_same_answer(provider: Provider, calls: list[str]) -> None:
    caches: dict[str, dict[str, Any]] = {}
    ctx: Any = SimpleNamespace(cached=lambda name: caches.setdefault(name, {}))
    for expected in (calls, None):
        provider.calls.clear()
        held = Held(ctx, provider, Spool())
        for template in ("a", "b", "c"):
            found, read_now = held.of(template, {"0", "1"}, 3)
            assert [one.id for one in found] == [one.id for one in provider.all if one.template_id == template]
            assert read_now
            assert held.of(template, {"0", "1"}, 3) == (found, False)
        if expected is not None:
            assert provider.calls == expected
        elif provider.tells and not provider.refuses and len(calls) > 3:
            assert "list all" not in provider.calls, "it is known by now that this does not pay"


@pytest.mark.req("CR-34")
def test_one_template_is_never_worth_a_list_of_all() -> None:
    provider = Provider({"a": 3})
    ctx: Any = SimpleNamespace(cached=lambda _name: {})
    Held(ctx, provider, Spool()).of("a", {"0"}, 1)
    assert provider.calls == ["list a"] * 2


def test_few_learners_are_looked_up_unless_every_credential_matters() -> None:
    ctx: Any = SimpleNamespace(cached=lambda _name: {})
    provider = Provider({"a": 40})
    found, _ = Held(ctx, provider, Spool()).of("a", {"39"}, 1)
    assert provider.calls == ["list a", "find 39"]
    assert found[-1].earner_id == "39"
    provider = Provider({"a": 40})
    Held(ctx, provider, Spool(), whole=True).of("a", {"39"}, 1)
    assert provider.calls == ["list a"] * 20
