"""Lost answers: what is adopted, sent again, released, or left unsure, on a clock that only waits move."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectctl.errors import AlreadyHeld, RemoteDown, RemoteUnsure
from connectctl.flows.settle import Unsettled, settle
from connectctl.model import Change, Look, Outcome

T0 = datetime(2026, 11, 21, tzinfo=UTC)
FOUND = Look(Outcome("adopted", "b1"), lag=60)
FOREIGN = Look(Outcome("foreign", "b2"), lag=60)
ABSENT = Look(None, repeatable=False, lag=60)
REPEATABLE = Look(None, repeatable=True, lag=60)
PROVES = Look(None, lag=60, proves=True)


class FakeClock:
    def __init__(self) -> None:
        self.at = T0
        self.stop = threading.Event()
        self.applying = True

    def now(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> bool:
        self.at += timedelta(seconds=max(seconds, 0.001))
        return self.stop.is_set()


def lost(**changes: Any) -> Unsettled:
    fields: dict[str, Any] = {"item": 1, "key": "k", "change": Change("issue", "h"), "sent_at": T0, "why": "cut"}
    return Unsettled(**(fields | changes))


def run(
    entry: Unsettled, look: Callable[[float], Look], clock: FakeClock | None = None, **options: Any
) -> tuple[Outcome, float]:
    clock = clock or FakeClock()

    def looked(_change: Change) -> Look:
        return look((clock.now() - T0).total_seconds())

    ((_, outcome),) = settle([entry], looked, clock, **({"absent": "resend"} | options))  # type: ignore[arg-type]
    return outcome, (clock.now() - T0).total_seconds()


def never(_entry: Unsettled) -> Outcome:
    raise AssertionError("sent again")


@pytest.mark.req("GN-21")
def test_what_is_found_is_adopted_at_once() -> None:
    assert run(lost(), lambda _t: FOUND, resend=never) == (Outcome("adopted", "b1"), 0)


@pytest.mark.req("GN-21")
def test_a_template_that_allows_duplicates_is_never_sent_again_blindly() -> None:
    outcome, waited = run(lost(), lambda _t: ABSENT, resend=never)
    assert outcome.status == "unsure"
    assert 60 <= waited < 62


@pytest.mark.req("GN-21")
def test_a_look_that_proves_it_sends_again_after_the_lag_and_never_before() -> None:
    sent: list[datetime] = []
    clock = FakeClock()

    def again(_entry: Unsettled) -> Outcome:
        sent.append(clock.now())
        return Outcome("done", "b1")

    assert run(lost(), lambda _t: PROVES, clock, resend=again)[0] == Outcome("done", "b1")
    assert [(at - T0).total_seconds() for at in sent] == [60]
    assert run(lost(), lambda _t: PROVES, absent="release", wait=False)[0].status == "unsure"
    old = lost(sent_at=T0 - timedelta(seconds=60))
    assert run(old, lambda _t: PROVES, absent="release", wait=False)[0].status == "released"
    seen_late = run(lost(), lambda t: FOUND if t >= 50 else PROVES, resend=never)
    assert seen_late[0].status == "adopted"


@pytest.mark.req("GN-21")
def test_it_is_looked_for_until_the_lag_has_passed() -> None:
    looks: list[float] = []

    def look(t: float) -> Look:
        looks.append(t)
        return FOUND if t >= 50 else ABSENT

    assert run(lost(), look, resend=never)[0].status == "adopted"
    assert [round(t) for t in looks] == [0, 5, 15, 60]


@pytest.mark.req("GN-21")
def test_a_person_s_retry_releases_only_after_a_conclusive_look() -> None:
    outcome, waited = run(lost(), lambda _t: ABSENT, absent="release", patient=True)
    assert outcome.status == "released"
    assert waited >= 60


def test_without_waiting_one_look_leaves_it_unsure() -> None:
    assert run(lost(), lambda _t: ABSENT, absent="release", wait=False) == (Outcome("unsure", error="cut"), 0)


@pytest.mark.req("GN-21", "CR-37")
def test_where_the_remote_refuses_duplicates_it_is_sent_again_after_one_look() -> None:
    sent: list[int] = []

    def resend(entry: Unsettled) -> Outcome:
        sent.append(entry.attempts)
        return Outcome("done", "b9")

    assert run(lost(), lambda _t: REPEATABLE, resend=resend) == (Outcome("done", "b9"), 0)
    assert sent == [2]


def test_it_is_sent_again_three_times_at_the_most() -> None:
    sent: list[int] = []

    def resend(entry: Unsettled) -> Outcome:
        sent.append(entry.attempts)
        raise RemoteUnsure("cut again")

    outcome, _ = run(lost(), lambda _t: REPEATABLE, resend=resend)
    assert outcome.status == "unsure"
    assert sent == [2, 3, 4]


@pytest.mark.req("CR-37")
def test_refused_as_a_duplicate_after_sending_again_it_is_ours_and_waited_for() -> None:
    def resend(_entry: Unsettled) -> Outcome:
        raise AlreadyHeld("already has this badge")

    outcome, waited = run(lost(), lambda t: FOUND if t > 30 else REPEATABLE, resend=resend)
    assert outcome.status == "adopted"
    assert waited == pytest.approx(60, abs=1)
    outcome, _ = run(lost(), lambda _t: REPEATABLE, resend=resend)
    assert outcome.status == "unsure"  # ours, but not to be seen: the next run looks again


@pytest.mark.req("CR-37", "GN-32")
def test_refused_as_a_duplicate_at_first_it_is_somebody_else_s() -> None:
    assert run(lost(duplicate=True), lambda _t: FOREIGN, resend=never)[0].status == "foreign"
    assert run(lost(duplicate=True), lambda _t: REPEATABLE, resend=never)[0].status == "foreign"


def test_a_remote_that_is_down_is_not_asked_three_times_for_everybody() -> None:
    sent: list[str] = []

    def resend(entry: Unsettled) -> Outcome:
        sent.append(entry.key)
        raise RemoteUnsure("500")

    entries = [lost(key=str(number)) for number in range(50)]
    clock: Any = FakeClock()
    outcomes = list(settle(entries, lambda _change: REPEATABLE, clock, absent="resend", resend=resend))
    assert {outcome.status for _, outcome in outcomes} == {"unsure"}
    assert len(outcomes) == 50
    assert len(sent) == 5


def test_attempts_of_earlier_runs_do_not_count_against_this_one() -> None:
    def resend(_entry: Unsettled) -> Outcome:
        return Outcome("done", "b9")

    assert run(lost(attempts=40), lambda _t: REPEATABLE, resend=resend)[0].status == "done"


def test_a_look_that_fails_proves_nothing() -> None:
    def look(_t: float) -> Look:
        raise RemoteDown("Credly is down")

    assert run(lost(), look, resend=never)[0].status == "unsure"


def test_a_stop_leaves_everything_unsure() -> None:
    clock = FakeClock()
    clock.stop.set()
    assert run(lost(), lambda _t: FOUND, clock, resend=never)[0].status == "unsure"
