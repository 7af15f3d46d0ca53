"""Toy flows whose answers are lost or that are stopped: what stays in doubt, and how the next run settles it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.flows.conftest import Toy, answers, code, issues

from connectctl.errors import AuthFailed, NotAllowed, Rejected, RemoteDown, RemoteUnsure
from connectctl.model import Change, Look, Outcome


@pytest.mark.req("GN-21")
def test_a_bug_in_a_plugins_apply_may_have_sent_something(toy: Toy) -> None:
    toy.parts = {"a": issues("1", "2")}
    toy.answer = answers(ValueError("oops"))
    report = toy.run().report
    assert (report["status"], report["unsure"], report["done"]) == ("failed", 1, {"issue": 1})
    assert "ValueError('oops')" in report["items"][0]["error"]
    assert toy.states()["1"] == ("unsure", 1)
    toy.found = lambda _change: Look(Outcome("adopted", "found"))
    again = toy.run().report
    assert [(item["outcome"], item["remote_id"]) for item in again["items"][:1]] == [("adopted", "found")]
    assert toy.sent == ["1", "2"]


@pytest.mark.req("GN-21")
def test_what_the_next_run_proves_not_to_be_there_is_planned_and_sent_again(toy: Toy) -> None:
    toy.parts = {"a": issues("1")}
    toy.answer = answers(RemoteUnsure("cut"))
    assert toy.run().report["unsure"] == 1
    assert toy.run().report["unsure"] == 1, "nothing is proved, nothing is sent"
    toy.found = lambda _change: Look(proves=True)
    report = toy.run().report
    assert (report["done"], report["unsure"]) == ({"issue": 1}, 0)
    assert toy.sent == ["1", "1"]


@pytest.mark.req("GN-21")
@pytest.mark.parametrize("given", [[], [Outcome("done")] * 3])
def test_a_wrong_number_of_outcomes_leaves_the_whole_group_unsure(toy: Toy, given: list[Outcome]) -> None:
    toy.parts = {"a": issues("1", "2")}
    toy.spec = {"batch": 2, "apply": lambda _changes, _ctx: given}
    report = toy.run().report
    assert (report["unsure"], report["done"]) == (2, {})
    assert f"{len(given)} outcomes for 2 changes" in report["items"][0]["error"]


@pytest.mark.req("GN-38", "GN-21")
def test_stopped_in_the_middle_the_next_run_goes_on_from_there(toy: Toy) -> None:
    toy.parts = {"a": issues("1", "2", "3"), "b": issues("4")}

    def answer(one: Change) -> Outcome:
        if one.user == "2":
            toy.clock.stop.set()
        return Outcome("done", f"id-{one.user}")

    toy.answer = answer
    result = toy.run()
    assert (code(result.error), result.report["status"], toy.sent) == (130, "aborted", ["1", "2"])
    assert result.report["done"] == {"issue": 2}
    assert toy.states() == {"1": ("done", 1), "2": ("done", 1), "3": ("intended", 0)}
    toy.answer = answers()
    assert toy.run().report["done"] == {"issue": 2}
    assert toy.sent == ["1", "2", "3", "4"]


@pytest.mark.req("GN-21")
def test_stopped_while_looking_for_a_lost_answer_it_stays_unsure(toy: Toy) -> None:
    toy.parts = {"a": issues("1")}
    toy.answer = answers(RemoteUnsure("cut"))

    def look(_change: Change) -> Look:
        toy.clock.stop.set()
        return Look(lag=60)

    toy.found = look
    result = toy.run()
    assert (code(result.error), result.report["status"], result.report["unsure"]) == (130, "aborted", 1)
    assert toy.states() == {"1": ("unsure", 1)}


@pytest.mark.req("GN-21", "GN-20")
@pytest.mark.parametrize(
    ("second", "state"),
    [
        (Outcome("done", "x"), ("done", 1)),
        (AuthFailed("expired"), ("intended", 0)),
        (RemoteDown("down"), ("intended", 0)),
        (NotAllowed("no"), ("intended", 0)),
        (Rejected("archived"), ("failed", 0)),
    ],
)
def test_what_is_certainly_not_there_is_sent_again_once(
    toy: Toy, second: Outcome | Exception, state: tuple[str, int]
) -> None:
    toy.parts = {"a": issues("1")}
    toy.answer = answers(RemoteUnsure("cut"), second)
    toy.found = lambda _change: Look(repeatable=True)
    toy.run()
    assert (toy.sent, toy.states()) == (["1", "1"], {"1": state})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_plugin_is_imported_is_no_fault_of_the_plugin(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    name = f"stops_{number.name.lower()}"
    (tmp_path / f"{name}.py").write_text(f"import os\nos.kill(os.getpid(), {int(number)})\nread = None\n")
    monkeypatch.syspath_prepend(tmp_path)
    toy.parts = {"a": issues("1")}
    toy.spec = {"read": f"{name}:read"}
    result = toy.run()
    assert (code(result.error), result.report["status"], toy.sent) == (130, "aborted", [])


def test_a_signal_while_the_record_is_closed_waits_for_it(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.parts = {"a": issues("1")}
    closing: list[Any] = []

    def close() -> None:
        closing.append(os.kill(os.getpid(), signal.SIGTERM))

    monkeypatch.setattr(toy.remote, "close", close)
    result = toy.run()
    assert (len(closing), code(result.error), result.report["status"]) == (1, 0, "succeeded")
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
