"""One pace for several processes: real ones, killed ones, stopped ones, and a file that is not what it should be."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectctl.errors import Interrupted
from connectctl.flows.clock import RunClock
from connectctl.http import shared
from connectctl.http.bucket import SIZE, Bucket
from connectctl.http.clock import SystemClock
from connectctl.http.limits import RateLimiter
from connectctl.http.session import Client
from connectctl.http.shared import FileState, OwnState, state_for
from connectctl.model import CallLimits
from connectctl.testing.clock import FakeClock
from connectctl.testing.fake_api import FakeAPI

SETUP = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from connectctl.http.limits import RateLimiter
from connectctl.http.shared import FileState
from connectctl.testing.clock import FakeClock
state = FileState(Path(sys.argv[1]))
clock = FakeClock()
def turns(rate, count):
    limiter = RateLimiter(rate, clock, state=state)
    return [(limiter.acquire(), (clock.now() - FakeClock().now()).total_seconds())[1] for _ in range(count)]
"""
HOLD = "def hold(bucket):\n    print('held', flush=True)\n    sys.stdin.readline()\nstate.change(hold)\n"

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "store.db-limits" / "acme"


@pytest.fixture
def start(file: Path) -> Iterator[Start]:
    """Starts a process in which `state` is the shared file and `clock` a FakeClock."""
    begun: list[subprocess.Popen[str]] = []

    def run(code: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SETUP + code, str(file)]
        begun.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return begun[-1]

    yield run
    for process in begun:
        process.kill()
        process.communicate()


def finished(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.strip()


def test_two_processes_share_one_rate(file: Path, start: Start) -> None:
    code = """
import time
from connectctl.http.clock import SystemClock
limiter = RateLimiter('40/s', SystemClock(), state=state)
sys.stdin.readline()
print(time.time(), *((limiter.acquire(), time.time())[1] for _ in range(20)))
"""
    both = [start(code), start(code)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    times = [[float(word) for word in finished(process).split()] for process in both]
    began, ended = min(own[0] for own in times), max(own[-1] for own in times)
    assert ended - began >= (40 - 4) / 40  # forty turns of which a burst of four may go at once; a turn is never early


def test_no_change_is_lost_between_processes(file: Path, start: Start) -> None:
    code = "def add(b):\n    b.tally_before += 1\nfor _ in range(2000):\n    state.change(add)\n"
    for process in [start(code), start(code), start(code)]:
        finished(process)
    assert FileState(file).look().tally_before == 6000


def test_a_429_in_one_process_stops_and_slows_the_other(file: Path, start: Start) -> None:
    finished(start("limiter = RateLimiter('1/s', clock, state=state)\nlimiter.throttled(limiter.acquire(), 30.0)"))
    clock = FakeClock()
    limiter = RateLimiter("1/s", clock, state=FileState(file))
    began = clock.now()
    moments = [(limiter.acquire(), (clock.now() - began).total_seconds())[1] for _ in range(3)]
    assert moments == pytest.approx([30.0, 30.0 + 2 / 0.98, 30.0 + 4 / 0.98], abs=0.01)
    assert limiter.factor == 0.5


def test_a_process_without_a_rate_stops_as_well(file: Path, start: Start) -> None:
    finished(start("limiter = RateLimiter('none', clock, state=state)\nlimiter.throttled(limiter.acquire(), 30.0)"))
    clock = FakeClock()
    limiter = RateLimiter("none", clock, state=FileState(file))
    limiter.acquire()
    assert clock.waits == [pytest.approx(30.0)]


def test_a_turn_that_was_waited_for_is_void_after_another_process_was_throttled(file: Path, start: Start) -> None:
    class Throttled(FakeClock):
        def wait(self, seconds: float) -> bool:
            if not self.waits:
                other = RateLimiter("1/min", FakeClock(), state=FileState(file))
                other.throttled(0, 300.0)
            return super().wait(seconds)

    clock = Throttled()
    limiter = RateLimiter("1/min", clock, state=FileState(file))
    limiter.acquire()
    began = clock.now()
    limiter.acquire()
    assert (clock.now() - began).total_seconds() >= 300.0


def test_answers_are_told_to_the_others_with_the_next_turn(file: Path) -> None:
    clock = FakeClock()
    one, two = (RateLimiter("60/min", clock, state=FileState(file)) for _ in range(2))
    one.throttled(one.acquire(), 1.0)
    for _ in range(26):
        two.acquire()
        two.succeeded()
    assert one.factor == pytest.approx(1.0)


def test_good_answers_at_full_rate_touch_no_file(file: Path) -> None:
    limiter = RateLimiter("60/min", FakeClock(), state=FileState(file))
    limiter.acquire()
    before = file.stat().st_mtime_ns, file.read_bytes()
    for _ in range(100):
        limiter.succeeded()
    assert (file.stat().st_mtime_ns, file.read_bytes()) == before


def test_an_hourly_budget_is_one_for_all_processes(file: Path, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    code = "limiter = RateLimiter('none', clock, per_hour=5, state=state)\nfor _ in range(3):\n    limiter.acquire()"
    finished(start(code))
    clock = FakeClock()
    limiter = RateLimiter("none", clock, per_hour=5, name="Acme", state=FileState(file))
    limiter.acquire()
    limiter.acquire()
    assert clock.waits == []
    limiter.acquire()
    assert sum(clock.waits) == 3660
    assert caplog.messages == ["Acme: the hourly budget (per_hour = 5) is used up; going on at 13:01:00 UTC"]


# --- processes that die or stop


def test_a_process_killed_while_it_holds_the_record_blocks_nobody(file: Path, start: Start) -> None:
    process = start(HOLD)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    done = threading.Event()
    state = FileState(file)
    thread = threading.Thread(target=lambda: (state.change(lambda bucket: None), done.set()), daemon=True)
    thread.start()
    process.kill()
    assert done.wait(10)
    thread.join()
    assert state.look() == Bucket()


def test_a_process_that_never_gives_the_record_back_is_left_behind(
    file: Path, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shared, "PATIENCE", 0.05)
    process = start(HOLD)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGSTOP)
    limiter = RateLimiter("60/min", FakeClock(), state=FileState(file))
    assert [limiter.acquire(), limiter.acquire()] == [0, 0]
    (message,) = caplog.messages  # said once
    assert "another process holds it and does not go on" in message


def test_turns_of_a_killed_process_cost_their_time_and_nothing_more(file: Path, start: Start) -> None:
    process = start("turns('1/s', 3)\nos.kill(os.getpid(), signal.SIGKILL)")
    process.communicate(timeout=60)
    clock = FakeClock()
    clock.wait(2.5)  # its three turns were at 0, 1.02 and 2.04
    RateLimiter("1/s", clock, state=FileState(file)).acquire()
    assert clock.waits[1:] == [pytest.approx(3 / 0.98 - 2.5, abs=0.001)]


def test_what_was_changed_half_is_not_kept(file: Path) -> None:
    state = FileState(file)

    def fail(bucket: Bucket) -> None:
        bucket.pause = 1e12
        raise ZeroDivisionError

    for one in (state, OwnState()):
        with pytest.raises(ZeroDivisionError):
            one.change(fail)
        assert one.look() == Bucket()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_takes_the_lock_for_itself(file: Path) -> None:
    state = FileState(file)
    state.change(lambda bucket: None)
    before = state._fd
    code = os.fork()
    if code == 0:
        answer = 1
        try:
            state.change(lambda bucket: setattr(bucket, "tally", 7))
            answer = 0 if state._pid == os.getpid() else 2
        finally:
            os._exit(answer)
    assert os.waitstatus_to_exitcode(os.waitpid(code, 0)[1]) == 0
    assert (state.look().tally, state._fd) == (7, before)


# --- the file


@pytest.mark.parametrize("garbage", [b"x", b"\0" * SIZE, os.urandom(SIZE), os.urandom(5000)], ids=len)
def test_a_file_that_is_no_record_is_replaced_and_that_is_said(
    file: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_bytes(garbage)
    limiter = RateLimiter("60/min", FakeClock(), state=FileState(file))
    limiter.acquire()
    limiter.acquire()
    assert caplog.messages == [f"{file} was not readable; the count of requests starts anew"]
    assert file.stat().st_size == SIZE


def test_a_torn_record_is_replaced(file: Path) -> None:
    state = FileState(file)
    state.change(lambda bucket: setattr(bucket, "tally", 7))
    with file.open("r+b") as stream:
        stream.truncate(SIZE // 2)
    assert state.look() == Bucket()


def test_a_file_that_was_removed_is_made_anew(file: Path) -> None:
    one, two = FileState(file), FileState(file)
    one.change(lambda bucket: None)
    file.unlink()
    two.change(lambda bucket: setattr(bucket, "tally", 7))
    assert one.change(lambda bucket: bucket.tally) == 7


def test_folder_and_file_are_private(file: Path) -> None:
    FileState(file).change(lambda bucket: None)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file.parent, file)] == [0o700, 0o600]


def test_where_the_file_cannot_be_each_process_counts_for_itself_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "store.db-limits").write_text("in the way")  # rights would not stop root
    clock = FakeClock()
    limiter = RateLimiter("60/min", clock, state=FileState(tmp_path / "store.db-limits" / "acme"))
    for _ in range(10):
        limiter.acquire()
    assert sum(clock.waits) > 0
    (message,) = caplog.messages
    assert "other processes do not see how many requests this one sends" in message


def test_a_link_is_not_followed(tmp_path: Path, file: Path) -> None:
    file.parent.mkdir()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    file.symlink_to(precious)
    RateLimiter("60/min", FakeClock(), state=FileState(file)).acquire()
    assert precious.read_text() == "mine"


def test_each_account_has_a_file_of_its_own_and_no_name_leaves_the_folder(tmp_path: Path) -> None:
    limits = CallLimits("5/s", folder=tmp_path / "counts", account="acme/1")
    other = CallLimits("5/s", folder=tmp_path / "counts", account="acme/2")
    made = [
        state_for(limits, "../up", "https://a.example"),
        state_for(limits, "../up", "https://b.example"),
        state_for(other, "../up", "https://a.example"),
    ]
    paths = [state.path for state in made if isinstance(state, FileState)]
    assert len(set(paths)) == 3
    assert {path.parent for path in paths} == {tmp_path / "counts"}
    assert isinstance(state_for(CallLimits("5/s"), "acme", "https://a.example"), OwnState)


# --- clocks and stops


@pytest.mark.parametrize("machine", [0, 1])
@pytest.mark.parametrize("jump", [-3600, 3600])
def test_a_clock_set_by_an_hour_stalls_nobody(file: Path, machine: int, jump: float) -> None:
    clock = FakeClock(machine=machine)
    one, two = (RateLimiter("60/min", clock, state=FileState(file)) for _ in range(2))
    for _ in range(20):
        one.acquire()
    clock.move(jump)
    clock.waits.clear()
    for _ in range(5):
        two.acquire()
    assert sum(clock.waits) < 10


def test_a_pause_outlives_a_clock_set_forward(file: Path) -> None:
    clock = FakeClock()
    one, two = (RateLimiter("60/min", clock, state=FileState(file)) for _ in range(2))
    one.throttled(one.acquire(), 60.0)
    clock.move(3600)
    two.acquire()
    assert sum(clock.waits) == pytest.approx(60.0)


@pytest.mark.parametrize("clock", [SystemClock(), RunClock()])
def test_the_machines_steady_clock_is_one_for_all_its_processes(clock: SystemClock | RunClock, start: Start) -> None:
    code = "from connectctl.http.clock import machine_steady\nprint(*machine_steady())"
    which, seconds = clock.steady()
    there, later = finished(start(code)).split()
    assert int(there) == which
    assert 0 <= float(later) - seconds < 60


def test_a_stop_ends_the_wait_for_a_pause(file: Path) -> None:
    clock = RunClock()
    limiter = RateLimiter("none", clock, state=FileState(file))
    limiter.throttled(limiter.acquire(), 100.0)
    raised: list[BaseException] = []

    def wait() -> None:
        try:
            limiter.acquire()
        except Interrupted as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    began = time.monotonic()
    clock.stop.set()
    thread.join(10)
    assert time.monotonic() - began < 10
    assert len(raised) == 1


def test_two_clients_of_one_account_pause_together(tmp_path: Path) -> None:
    clock = FakeClock()
    limits = CallLimits("none", folder=tmp_path / "counts")
    with FakeAPI() as api:
        api.on("GET", "/a", status=503, times=1)
        api.on("GET", "/a", json={})
        api.on("POST", "/b", status=429, headers={"Retry-After": "77"})
        api.on("GET", "/b", json={})
        one, two = (Client("acme", api.url, clock=clock, limits=limits) for _ in range(2))
        try:
            assert one.get("/a") == {}
            with pytest.raises(Exception, match="throttling"):
                one.post("/b")
            began = clock.now()
            assert two.get("/b") == {}
            assert (clock.now() - began).total_seconds() >= 77
        finally:
            one.close()
            two.close()
