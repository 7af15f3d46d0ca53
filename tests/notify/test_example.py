"""The mail that docs/notifications.md shows is one that connectctl writes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from tests.notify.test_digest import item, report

from connectctl.notify.digest import compose, of_run

PAGE = Path(__file__).parents[2] / "docs" / "notifications.md"
RUN = "r_01JD0000000000000000000000"


def test_the_example_is_real() -> None:
    (example,) = re.findall(r"```text\n(From: .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    failed = item(1, error="Credly refused POST /badges: 422: email is invalid")
    failed |= {"email": "bob@acme.example", "template": "3f2b11aa"}
    digest = of_run("CREDLY", report("failed", failed, run=RUN, done={"issue": 12}))
    assert digest is not None
    mail = compose(
        digest.notice,
        sender="connectctl@example.org",
        receiver="ada@acme.example",
        at=datetime(2026, 2, 10, tzinfo=UTC),
        ident="1",
        held=3,
        since="2026-02-10T08:05:00.000Z",
    )
    head = "".join(f"{name}: {mail[name]}\n" for name in ("From", "To", "Subject", "Auto-Submitted"))
    body = mail.get_content().replace("\r\n", "\n").partition("\n-- \n")[0]
    assert example == f"{head}\n{body}"
