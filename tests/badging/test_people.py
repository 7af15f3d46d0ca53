"""The learners a run needs, over real HTTP: pages or look-ups, shared addresses, and rows that cannot be read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectctl.badging.people import normal_email, read_people
from connectctl.badging.spool import Spool
from connectctl.config.paths import ProfilePaths
from connectctl.config.settings import load_settings
from connectctl.docebo.client import make_client
from connectctl.docebo.spec import DOCEBO
from connectctl.errors import RemoteDown
from connectctl.model import Problem
from connectctl.testing.clock import FakeClock
from connectctl_sandbox import Fault, Sandbox

Read = Callable[..., tuple[Spool, list[Problem]]]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(seed=1) as box:
        yield box


@pytest.fixture
def read(box: Sandbox, tmp_path: Path) -> Iterator[Read]:
    """Reads the named users; `page_size` makes the list long enough for look-ups to be cheaper."""
    clients: list[Any] = []

    def call(*needed: str, page_size: int = 200) -> tuple[Spool, list[Problem]]:
        file = tmp_path / "config.toml"
        text = box.config_toml().replace("[connections.docebo]", f"[connections.docebo]\npage_size = {page_size}")
        file.write_text(text)
        file.chmod(0o600)
        paths = ProfilePaths("default", file, tmp_path, tmp_path, tmp_path)
        client = make_client(load_settings(paths, {"docebo": DOCEBO}).connection("docebo"), FakeClock())
        clients.append(client)
        log = logging.getLogger("connectctl.test")
        ctx: Any = SimpleNamespace(cached=lambda _name: {}, client=lambda _kind: client, log=log)
        spool, problems = Spool(), list[Problem]()
        read_people(ctx, spool, set(needed), problems)
        return spool, problems

    yield call
    for client in clients:
        client.close()


def learners(box: Sandbox) -> list[Any]:
    return [user for user in box.docebo.users.values() if user.level == "User"]


def calls(box: Sandbox) -> int:
    return box.log.count(remote="docebo", method="GET")


@pytest.mark.parametrize(
    ("text", "normal"),
    [(None, ""), ("", ""), ("  Ada@Example.ORG\n", "ada@example.org"), ("ADA@ÉXAMPLE.ORG", "ada@éxample.org")],
)
@pytest.mark.req("GN-16")
def test_an_address_as_it_is_compared(text: str | None, normal: str) -> None:
    assert normal_email(text) == normal


@pytest.mark.req("GN-16", "GN-36")
@pytest.mark.parametrize("page_size", [200, 2])
def test_pages_and_look_ups_tell_the_same(box: Sandbox, read: Read, page_size: int) -> None:
    people = learners(box)
    plain, shared, blank = people[0], people[4], people[-2]
    assert shared.email == people[-1].email
    spool, problems = read(str(plain.user_id), str(shared.user_id), str(blank.user_id), page_size=page_size)
    assert spool.person(str(plain.user_id)) == (plain.email, plain.first_name, plain.last_name)
    assert spool.person(str(blank.user_id)) == ("", blank.first_name, blank.last_name)
    assert spool.sharing(plain.email) == 1
    assert spool.sharing(shared.email) == 2  # the other one was not asked for
    assert problems == []


def test_whichever_costs_fewer_calls_is_done(box: Sandbox, read: Read) -> None:
    person = str(learners(box)[0].user_id)
    read(person)
    assert calls(box) == 1
    box.log.clear()
    read(person, page_size=2)  # 16 pages, against one page, the user, and who shares the address
    assert calls(box) <= 4


@pytest.mark.parametrize("page_size", [200, 2])
def test_a_user_that_is_gone_is_just_not_there(box: Sandbox, read: Read, page_size: int) -> None:
    spool, problems = read("999999", page_size=page_size)
    assert (spool.person("999999"), problems) == (None, [])


def test_nobody_needed_nothing_asked(box: Sandbox, read: Read) -> None:
    read()
    assert calls(box) == 0


@pytest.mark.req("GN-19")
def test_a_look_up_that_cannot_be_read_stops_no_other(box: Sandbox, read: Read) -> None:
    first, second = (str(user.user_id) for user in learners(box)[:2])
    box.faults.add(Fault("wrong_types", "docebo", "GET", rf"/user/{first}$"))
    spool, problems = read(first, second, page_size=2)
    assert spool.person(first) is None
    assert spool.person(second) is not None
    assert [first in problem.error for problem in problems] == [True]


def test_a_list_that_cannot_be_read_ends_the_reading(box: Sandbox, read: Read) -> None:
    box.faults.add(Fault("http_500_before", "docebo", "GET", r"/user$"))
    with pytest.raises(RemoteDown):
        read(str(learners(box)[0].user_id))
