"""`lookup set integration-settings` knows what the integrations declare."""

from __future__ import annotations

import json

import pytest

from connectctl.cli import main

SET = ["lookup", "set", "integration-settings"]


def value(capsys: pytest.CaptureFixture[str], key: str) -> object:
    capsys.readouterr()
    assert main(["lookup", "show", "integration-settings", "--where", f"Key={key}", "-o", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    return rows[0]["Value"] if rows else None


@pytest.mark.req("GN-09", "GN-10", "GN-08")
@pytest.mark.parametrize(
    ("key", "bad", "good"),
    [
        ("SYNC_REVOCATION", "True", "true"),
        ("BATCH_SYNC_START_DATE", "01.02.2026", "2026-02-01"),
        ("BATCH_SYNC_START_DATE", "2026-02-30", "2026-02-01 08:00:00"),
        ("CREDLY_DEFAULT_EXPIRATION_DAYS", "-1", "0"),
        ("CREDLY_INTEGRATION_MASTER", "moodle", "docebo"),
        ("NOTIFICATION_MAIL_ID", "a@b.example, c@d.example", "a@b.example"),
    ],
)
def test_a_value_that_a_setting_cannot_have_is_not_written(
    capsys: pytest.CaptureFixture[str], key: str, bad: str, good: str
) -> None:
    assert main([*SET, "CREDLY", key, f"Value={good}"]) == 0
    assert value(capsys, key) == good
    assert main([*SET, "CREDLY", key, f"Value={bad}"]) == 3
    assert f"CREDLY {key} " in capsys.readouterr().err
    assert value(capsys, key) == good
    assert main([*SET, "CREDLY", key, "Value="]) == 0  # blank is always allowed
    assert value(capsys, key) is None


@pytest.mark.parametrize(
    ("integration", "key", "remark"),
    [
        ("CREDLY", "COURSE_ADITIONAL_FIELD", "did you mean COURSE_ADDITIONAL_FIELD?"),
        ("CREDLI", "COURSE_ADDITIONAL_FIELD", "did you mean CREDLY?"),
    ],
)
def test_a_name_that_nobody_knows_is_written_with_a_remark(
    capsys: pytest.CaptureFixture[str], integration: str, key: str, remark: str
) -> None:
    assert main([*SET, integration, key, "Value=x"]) == 0
    assert remark in capsys.readouterr().err
    assert value(capsys, key) == "x"
