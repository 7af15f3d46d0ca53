"""Mails from the commit to the server's 250: grouped, kept, claimed, sent again, dropped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.notify.conftest import Post

from connectctl.config.paths import ProfilePaths
from connectctl.config.settings import Settings, load_settings
from connectctl.model import Notice
from connectctl.notify import outbox
from connectctl.notify.spec import SMTP
from connectctl.plugins.core import INTEGRATION_SETTINGS
from connectctl.store import open_store
from connectctl.store.store import Store
from connectctl.testing.clock import FakeClock

Start = Callable[..., Post]
NOTICE = Notice("CREDLY", "two templates are gone", ("t1 Welder", "t2 Baker"))


class Box:
    """A store, a clock that stands still, and a mail server."""

    def __init__(self, store: Store, data: Path, post: Post) -> None:
        self.store, self.data, self.post = store, data, post
        self.clock = FakeClock(datetime(2026, 2, 10, 9, tzinfo=UTC))
        self.living: set[str] = set()
        self.url = post.url()
        self.receiver("ada@acme.example")

    def receiver(self, text: str | None, integration: str = "CREDLY") -> None:
        self.store.table(INTEGRATION_SETTINGS).put_row((integration, outbox.RECEIVER), {"Value": text})

    def settings(self) -> Settings:
        file = self.data / "config.toml"
        lines = ["[connections.smtp]", f'url = "{self.url}"', 'sender = "connectctl@acme.example"'] if self.url else []
        file.write_text("\n".join(lines))
        file.chmod(0o600)
        return load_settings(ProfilePaths("default", file, self.data, self.data, self.data), {"smtp": SMTP})

    def queue(self, notice: Notice = NOTICE, *errors: str) -> bool:
        """Whether the mail is new."""
        before = [row.doc_id for row in self.waiting]
        with self.store.transaction():
            assert outbox.queue(self.store, notice, errors=errors, now=self.clock.now()) is None
        return [row.doc_id for row in self.waiting] != before

    def drain(self, run: str = "r_1", integration: str | None = None) -> list[str]:
        settings = self.settings()
        return outbox.drain(
            self.store, settings, self.clock, run=run, alive=self.living.__contains__, integration=integration
        )

    def later(self, **passed: float) -> None:
        self.clock.wait(timedelta(**passed).total_seconds())

    @property
    def waiting(self) -> list[Any]:
        return list(self.store.documents(outbox.TABLE).all())

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]).removeprefix("[connectctl] ") for mail in self.post.mails]


@pytest.fixture
def box(tmp_path: Path, start: Start) -> Iterator[Box]:
    with open_store("sqlite:///store.db", tmp_path / "data") as store:
        yield Box(store, tmp_path / "data", start())


def test_what_is_queued_is_sent_once(box: Box) -> None:
    assert box.drain() == []
    assert box.queue()
    assert box.post.mails == []
    assert box.drain() == []
    assert box.drain() == []
    assert (box.subjects, box.post.receivers, box.waiting) == ([NOTICE.subject], ["ada@acme.example"], [])
    assert "t1 Welder\nt2 Baker" in box.post.mails[0].get_content().replace("\r", "")


def test_what_is_rolled_back_is_not_sent(box: Box) -> None:
    with suppress(ZeroDivisionError), box.store.transaction():
        outbox.queue(box.store, NOTICE, now=box.clock.now())
        raise ZeroDivisionError
    assert box.drain() == []
    assert box.post.mails == []
    assert box.queue()  # nor does it hold the next one back


@pytest.mark.req("GN-18")
def test_repeats_within_the_hour_are_counted_and_told_by_the_next_mail(box: Box) -> None:
    assert box.queue(NOTICE, "down")
    box.later(minutes=10)
    first = box.clock.now()
    assert not box.queue(NOTICE, "down")
    box.later(minutes=49, seconds=59)
    assert not box.queue(NOTICE, "down")
    box.later(seconds=1)
    assert box.queue(NOTICE, "down")
    box.later(hours=1)
    assert box.queue(NOTICE, "down")
    assert box.drain() == []
    texts = [" ".join(mail.get_content().split()) for mail in box.post.mails]
    assert len(texts) == 3
    told = f"2 more like it since {first.isoformat(timespec='milliseconds')[:-6]}Z were not mailed."
    assert ["not mailed" in text for text in texts] == [False, True, False]
    assert told in texts[1]


@pytest.mark.req("GN-18")
def test_a_new_error_beside_an_old_one_is_told_at_once(box: Box) -> None:
    assert box.queue(NOTICE, "down")
    assert not box.queue(NOTICE, "down")
    assert box.queue(NOTICE, "down", "refused")
    assert not box.queue(NOTICE, "refused")
    assert not box.queue(NOTICE, "refused", "down")
    box.drain()
    assert len(box.post.mails) == 2


def test_a_clock_that_was_ahead_holds_nothing_back(box: Box) -> None:
    assert box.queue(NOTICE, "down")
    box.clock = FakeClock(box.clock.now() - timedelta(days=400))
    assert box.queue(NOTICE, "down")


@pytest.mark.req("CR-22", "CR-07")
def test_a_blank_receiver_is_a_warning_and_nothing_is_kept(box: Box) -> None:
    tables = box.store.query("SELECT name FROM _tables")
    for blank in (None, "  "):
        box.receiver(blank)
        warning = outbox.queue(box.store, NOTICE, now=box.clock.now())
        assert warning is not None
        assert "NOTIFICATION_MAIL_ID of CREDLY is blank" in warning
        assert "lookup set integration-settings CREDLY NOTIFICATION_MAIL_ID" in warning
    assert box.drain() == []
    assert box.store.query("SELECT name FROM _tables") == tables
    box.receiver("ada@acme.example")
    assert box.queue()


def test_a_receiver_taken_back_before_the_mail_is_sent(box: Box) -> None:
    box.queue()
    box.receiver(None)
    (warning,) = box.drain()
    assert "is blank" in warning
    assert "1 dropped" in warning
    assert box.drain() == []
    box.receiver("ada@acme.example")
    assert box.queue()  # the same again: what was not mailed holds nothing back


@pytest.mark.req("CR-22", "CR-07")
def test_an_invalid_receiver_is_a_warning_and_its_mail_waits_for_a_valid_one(box: Box) -> None:
    box.receiver("everybody")
    box.queue()
    (warning,) = box.drain()
    assert "must be one e-mail address, it is 'everybody'" in warning
    box.receiver("bob@acme.example")
    assert box.drain() == []
    assert box.post.receivers == ["bob@acme.example"]


def test_without_a_mail_server_they_wait(box: Box) -> None:
    url, box.url = box.url, ""
    box.queue()
    (warning,) = box.drain()
    assert warning == "1 mail could not be sent: no mail server is configured (connectctl connection set smtp url)"
    box.url = "smtp://u:geheim@127.0.0.1"
    (warning,) = box.drain()
    assert "must not hold the password" in warning
    assert "geheim" not in warning
    box.url = url
    assert box.drain() == []
    assert len(box.post.mails) == 1


@pytest.mark.req("GN-18")
@pytest.mark.parametrize(
    "answers",
    [{"rcpt": ["450 greylisted"]}, {"data": ["451 later"]}, {"rcpt": ["550 no such user"]}, {"rcpt": ["421 bye"]}],
)
def test_a_mail_that_is_not_taken_is_tried_again(box: Box, answers: dict[str, list[str]]) -> None:
    for name, given in answers.items():
        setattr(box.post, name, given)
    box.queue()
    (warning,) = box.drain()
    assert warning.startswith("1 mail could not be sent, the next run tries again: The mail server 127.0.0.1:")
    assert len(box.waiting) == 1
    (warning,) = box.drain("r_2")  # within a minute: the server is left in peace
    assert warning == "1 mail could not be sent yet"
    assert box.post.sessions == 1
    box.later(minutes=1)
    assert box.drain("r_3") == []
    assert (len(box.post.mails), box.waiting) == (1, [])


def test_one_bad_receiver_does_not_hold_up_the_others(box: Box) -> None:
    box.receiver("bob@acme.example", "SLACK")
    box.post.rcpt = ["452 mailbox full"]
    box.queue()
    box.queue(Notice("SLACK", "hello"))
    assert len(box.drain()) == 1
    assert (box.post.receivers, box.post.sessions, len(box.waiting)) == (["bob@acme.example"], 1, 1)


def test_a_server_that_went_away_is_not_asked_for_each_mail(box: Box) -> None:
    box.post.rcpt = ["421 going down"]
    for number in range(3):
        box.queue(Notice("CREDLY", f"mail {'abc'[number]}"))
    (warning,) = box.drain()
    assert warning.startswith("3 mails could not be sent")
    assert (box.post.sessions, len(box.waiting)) == (1, 3)


@pytest.mark.req("GN-18")
def test_a_mail_whose_answer_was_lost_comes_again_under_the_same_id(box: Box) -> None:
    box.post.drop_after_data = 1
    box.queue()
    (warning,) = box.drain()
    assert "may arrive twice" in warning
    box.later(minutes=2)
    assert box.drain() == []
    first, second = (mail["Message-ID"] for mail in box.post.mails)
    assert first == second


@pytest.mark.parametrize("killed", [True, False])
def test_two_runs_at_once_do_not_send_the_same(box: Box, killed: bool) -> None:
    box.living = {"r_1"}
    box.queue()
    claim = {"claimed_by": "r_1", "claimed_at": box.clock.now().isoformat()}
    box.store.documents(outbox.TABLE).update(claim)
    assert box.drain("r_2") == []
    assert box.post.mails == []
    if killed:
        box.living = set()
    else:  # where nobody can tell, a claim ends by itself
        box.later(minutes=31)
    assert box.drain("r_2") == []
    assert len(box.post.mails) == 1


def test_two_real_drains_at_once_send_each_mail_once(box: Box) -> None:
    for number in range(20):
        box.queue(Notice("CREDLY", f"mail {number}"))
    box.living = {"r_1", "r_2"}
    settings = box.settings()
    both = threading.Barrier(2)

    def run(name: str) -> None:
        both.wait(10)
        outbox.drain(box.store, settings, box.clock, run=name, alive=box.living.__contains__)

    threads = [threading.Thread(target=run, args=(name,)) for name in sorted(box.living)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(box.subjects) == sorted(f"mail {number}" for number in range(20))


def test_a_run_that_was_asked_to_stop_leaves_the_rest(box: Box) -> None:
    box.queue()
    box.clock.stopped = True
    (warning,) = box.drain()
    assert warning.endswith("the run was stopped")
    assert (box.post.sessions, len(box.waiting)) == (0, 1)


def test_other_integrations_wait_for_runs_of_their_own(box: Box) -> None:
    box.queue()
    assert box.drain(integration="SLACK") == []
    assert box.post.mails == []
    assert box.drain(integration="CREDLY") == []
    assert len(box.post.mails) == 1


def test_what_waits_too_long_is_dropped_with_a_word(box: Box) -> None:
    box.receiver("everybody")
    box.queue()
    box.later(days=7, seconds=1)
    (warning,) = box.drain()
    assert "more than 7 days" in warning
    assert box.waiting == []


def test_the_outbox_is_bounded_and_the_oldest_make_room(box: Box) -> None:
    for number in range(outbox.MOST + 5):
        box.queue(Notice("CREDLY", f"mail {number}"))
    rows = box.waiting
    assert len(rows) == outbox.MOST
    assert (rows[0]["subject"], rows[-1]["subject"]) == ("mail 5", f"mail {outbox.MOST + 4}")


def test_the_memory_of_what_was_mailed_ends(box: Box) -> None:
    for number in range(20):
        box.queue(NOTICE, f"error {number}")
    box.later(days=8)
    box.queue(NOTICE, "another")
    assert box.store.query("SELECT count(*) FROM cache WHERE name = ?", (outbox.GROUPS,)) == [(1,)]


def test_what_fails_in_here_is_a_warning_too(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug")

    box.queue()
    monkeypatch.setattr(outbox, "compose", broken)
    assert box.drain() == ["Mails could not be sent: ZeroDivisionError: a bug"]
    assert len(box.waiting) == 1


@pytest.mark.req("GN-18")
def test_no_secret_is_kept_or_sent(box: Box) -> None:
    from connectctl.config.secrets import Secret

    secret = Secret("a-s3cret-of-ours")
    box.queue(Notice("CREDLY", "x", (f"Authorization: Bearer {secret.reveal()}", f"at {secret.reveal()}")))
    assert secret.reveal() not in str(box.waiting)
    box.drain()
    assert secret.reveal().encode() not in box.post.raw[0]
