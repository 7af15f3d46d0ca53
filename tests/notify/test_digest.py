"""What a run's mail says, when there is none, and what no remote text can do to it."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.model import Notice
from connectctl.notify.digest import MOST_LINES, SHOWN, compose, fingerprints, identity, normal, of_run, safe

AT = datetime(2026, 2, 10, 9, 30, tzinfo=UTC)
UNWANTED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def item(number: int, outcome: str | None = "failed", error: str | None = "Credly rejected it: 422") -> dict[str, Any]:
    return {
        "action": "issue",
        "key": f"k{number}",
        "user": str(number),
        "email": f"u{number}@acme.example",
        "template": "t1",
        "source": "course:88",
        "reason": None,
        "outcome": outcome,
        "remote_id": None,
        "error": error,
    }


def report(status: str = "failed", *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "run": "r_1",
        "flow": "credly.batch-sync",
        "title": "Batch Sync - Docebo to Credly",
        "status": status,
        "trigger": "schedule",
        "dry_run": False,
        "started_at": "2026-02-10T09:00:00.000Z",
        "finished_at": "2026-02-10T09:10:00.000Z",
        "planned": {},
        "done": {"issue": 2},
        "skipped": {},
        "failed": sum(one["outcome"] == "failed" for one in items),
        "unsure": sum(one["outcome"] == "unsure" for one in items),
        "api_calls": {},
        "warnings": [],
        "error": None,
        "items": list(items),
        **more,
    }


@pytest.mark.req("GN-18")
@pytest.mark.parametrize(
    ("found", "code", "told"),
    [
        (report("succeeded"), None, False),
        (report("running"), None, False),
        (report("failed", item(1)), None, True),
        (report("failed", item(1), dry_run=True), None, False),
        (report("aborted", error="no start date"), 3, True),
        (report("aborted", error="not let in"), 4, True),
        (report("aborted", error="down"), 5, True),
        (report("aborted"), None, True),  # a bug
        (report("aborted", error="stopped"), 130, False),
        (report("aborted", error="--since x is no date"), 2, False),
        (report("refused", error="too many"), 6, True),
        (report("refused", error="is running"), 7, False),
    ],
)
def test_who_is_told_of_what(found: dict[str, Any], code: int | None, told: bool) -> None:
    assert (of_run("CREDLY", found, exit_code=code) is not None) is told


@pytest.mark.req("GN-18")
def test_the_mail_has_recipe_run_item_error_and_rerun_command() -> None:
    digest = of_run("CREDLY", report("failed", item(1), item(2, "done", None), item(3, "unsure", "lost")))
    assert digest is not None
    text = "\n".join(digest.notice.lines)
    assert digest.notice.subject == "Batch Sync - Docebo to Credly: 1 failed, 1 unsure"
    for words in (
        "r_1 of Batch Sync - Docebo to Credly (credly.batch-sync)",
        "- issue, u1@acme.example, template t1, course:88\n  Credly rejected it: 422",
        "u3@acme.example",
        "    connectctl run retry r_1\n",
        "    connectctl run show r_1",
    ):
        assert words in text
    assert "u2@acme.example" not in text


@pytest.mark.req("GN-18")
def test_a_run_that_ended_early_says_why_and_is_run_again_as_it_was() -> None:
    params = {"since": "2026-01-01", "course": ["88", "a b"], "full": True, "template": [], "all_history": None}
    digest = of_run("CREDLY", report("aborted", error="Credly is down"), exit_code=5, hint="later", params=params)
    assert digest is not None
    text = "\n".join(digest.notice.lines)
    assert digest.notice.subject == "Batch Sync - Docebo to Credly: ended early"
    assert "Why it ended: Credly is down\nWhat to do: later" in text
    assert (
        "connectctl flow run credly.batch-sync --param since=2026-01-01 --param course=88 --param 'course=a b' "
        "--param full=true\n" in text
    )


def test_what_was_planned_before_it_ended_is_retried() -> None:
    digest = of_run("CREDLY", report("aborted", item(1, None, None), error="down"), exit_code=5)
    assert digest is not None
    assert "    connectctl run retry r_1" in digest.notice.lines


@given(st.integers(0, 300))
def test_the_list_of_people_is_bounded(count: int) -> None:
    digest = of_run("CREDLY", report("failed", *[item(number) for number in range(count)]))
    assert digest is not None
    shown = sum("@acme.example" in line for line in digest.notice.lines)
    assert shown == min(count, SHOWN)
    assert (f"and {count - SHOWN} more" in digest.notice.lines) is (count > SHOWN)
    assert len(digest.notice.lines) < MOST_LINES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Credly rejected badge 4711: 422", "Credly rejected badge 4712: 422"),
        ("no user ada@acme.example", "no user bob.b@other.example"),
        ('the name "Ada" is taken', 'the name "Bob 2" is taken'),
        ("template 3f2b-11aa-9c is gone", "template 77cc-12ab-0d is gone"),
        ("Took 3 s", "took  12 s"),
    ],
)
def test_errors_that_differ_in_names_and_numbers_alone_are_one(one: str, other: str) -> None:
    assert fingerprints("f", [one]) == fingerprints("f", [other])
    assert len(fingerprints("f", [one, other])) == 1
    assert fingerprints("f", [one]) != fingerprints("g", [one])


def test_other_errors_are_others() -> None:
    assert len(fingerprints("f", ["Credly is down", "Docebo is down", "no such user"])) == 3


@given(st.text(max_size=200))
def test_normal_is_stable(text: str) -> None:
    assert normal(normal(text)) == normal(normal(normal(text)))


def test_notices_are_told_apart_by_what_they_say() -> None:
    notice = Notice("CREDLY", "deleted", ("t1",))
    assert identity(notice) == identity(Notice("CREDLY", "deleted", ("t1",)))
    others = {Notice("SLACK", "deleted", ("t1",)), Notice("CREDLY", "deleted", ("t2",)), Notice("CREDLY", "gone", ())}
    assert identity(notice) not in {identity(other) for other in others}


def made(notice: Notice, **more: Any) -> bytes:
    fields: dict[str, Any] = {
        "sender": "connectctl@acme.example",
        "receiver": "ada@acme.example",
        "at": AT,
        "ident": "store.7",
    }
    return compose(notice, **(fields | more)).as_bytes()


@pytest.mark.req("GN-18")
@given(subject=st.text(max_size=400), lines=st.lists(st.text(max_size=1200), max_size=5), name=st.text(max_size=30))
def test_no_text_breaks_out_of_its_place(subject: str, lines: list[str], name: str) -> None:
    raw = made(Notice(name, subject, tuple(lines)))
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail.keys() == [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    ]
    assert str(mail["To"]) == "ada@acme.example"
    assert len(str(mail["Subject"])) <= 180
    assert not UNWANTED.search(str(mail["Subject"]))
    body = mail.get_content().replace("\r\n", "\n")  # type: ignore[attr-defined]
    assert not UNWANTED.search(body)
    assert made(Notice(name, subject, tuple(lines))) == raw


def test_a_header_in_a_name_stays_a_name() -> None:
    raw = made(Notice("CREDLY", "gone: x\r\nBcc: all@acme.example\r\n\r\nhello", ("a\r\n.\r\nMAIL FROM:<x>",)))
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[connectctl] gone: x Bcc: all@acme.example hello"
    assert "a . MAIL FROM:<x>" in mail.get_content()  # type: ignore[attr-defined]


@pytest.mark.parametrize("field", ["sender", "receiver"])
@pytest.mark.parametrize("address", ["a@b\r\nBcc: c@d", "a b@c.example", "no-at-sign <", ""])
def test_addresses_that_are_none_are_refused(field: str, address: str) -> None:
    with pytest.raises(ValueError):
        made(Notice("CREDLY", "x"), **{field: address})


def test_the_facts_that_mail_systems_ask_for() -> None:
    mail = email.message_from_bytes(
        made(Notice("CREDLY", "x", ("y " * 100,)), held=3, since="2026-02-10T08:00:00Z"), policy=email.policy.default
    )
    assert mail["Date"] == "Tue, 10 Feb 2026 09:30:00 +0000"
    assert mail["Message-ID"] == "<store.7@acme.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"] == "connectctl <connectctl@acme.example>"
    body = mail.get_content()  # type: ignore[attr-defined]
    assert all(len(line) <= 76 for line in body.splitlines())
    assert "3 more like it since 2026-02-10T08:00:00Z were not mailed." in body
    assert "NOTIFICATION_MAIL_ID of CREDLY" in " ".join(body.split())


def test_a_command_is_not_wrapped() -> None:
    command = "    connectctl flow run credly.batch-sync " + "--param course=88 " * 8
    mail = email.message_from_bytes(made(Notice("CREDLY", "x", (command,))), policy=email.policy.default)
    assert command.rstrip() in mail.get_content()  # type: ignore[attr-defined]


def test_secrets_and_masses_stay_out() -> None:
    notice = safe(Notice("CREDLY", "token=abcdefgh", ("the key is s3cr3t-of-ours",) * 1000), ["s3cr3t-of-ours"])
    assert (notice.subject, notice.lines[0]) == ("token=***", "the key is ***")
    assert (len(notice.lines), notice.lines[-1]) == (MOST_LINES, "and 601 more lines")
    assert safe(notice, []) == safe(safe(notice, []))
