"""Settings of an integration: every kind, every bad row at once, and where a day begins."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.badging.settings import day_start, parse_setting, read_settings, required
from connectctl.errors import SettingInvalid, SettingMissing
from connectctl.plugins.specs import Alias, SettingSpec

DATE = SettingSpec("START", "", "date")
FLAG = SettingSpec("FLAG", "", "boolean", True)
DAYS = SettingSpec("DAYS", "", "integer", minimum=0, maximum=36500)
MAIL = SettingSpec("MAIL", "", "email")
MASTER = SettingSpec("MASTER", "", "choice", choices=("DOCEBO", "CREDLY"))
TITLE = SettingSpec("TITLE", "", default="connectctl flow")
SPECS = (DATE, FLAG, DAYS, MAIL, MASTER, TITLE)


@pytest.mark.req("GN-09", "GN-10", "CR-06", "CR-07", "CR-09", "CR-12", "CR-76", "CR-78")
@pytest.mark.parametrize(
    ("spec", "text", "value"),
    [
        *((spec, "", None) for spec in SPECS),
        (DATE, "2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        (DATE, "2026-01-01 08:30:05", datetime(2026, 1, 1, 8, 30, 5, tzinfo=UTC)),
        (FLAG, "true", True),
        (FLAG, "false", False),
        (DAYS, "0", 0),
        (DAYS, "36500", 36500),
        (DAYS, "007", 7),
        (MAIL, "it@example.org", "it@example.org"),
        (MASTER, "docebo", "DOCEBO"),
        (MASTER, "Credly", "CREDLY"),
        (TITLE, "Anything: goes, 100 %", "Anything: goes, 100 %"),
    ],
)
def test_a_good_value(spec: SettingSpec, text: str, value: Any) -> None:
    assert parse_setting(spec, text, "UTC") == value


@pytest.mark.req("GN-09", "GN-10", "CR-78")
@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (DATE, "01/02/2026"),
        (DATE, "2026-1-1"),
        (DATE, "2026-02-30"),
        (DATE, "2026-01-01T00:00:00"),
        (DATE, "2026-01-01 25:00:00"),
        (DATE, "2026-01-01 08:30"),
        (DATE, "0000-00-00"),
        (DATE, "0001-01-01"),
        (DATE, "1969-12-31"),
        (DATE, "9999-12-31 23:59:59"),
        (DATE, "\u0662\u0660\u0662\u0666-01-01"),
        (FLAG, "True"),
        (FLAG, "yes"),
        (FLAG, "1"),
        (DAYS, "-1"),
        (DAYS, "36501"),
        (DAYS, "1.5"),
        (DAYS, "ten"),
        (DAYS, "9" * 5000),
        (MAIL, "a@b.c, d@e.f"),
        (MAIL, "nobody"),
        (MASTER, "ACCREDIBLE"),
    ],
)
def test_a_bad_value(spec: SettingSpec, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_setting(spec, text, "UTC")


@given(st.text(max_size=30))
def test_no_text_is_worse_than_a_value_error(text: str) -> None:
    for spec in SPECS:
        try:
            parse_setting(spec, text, "Europe/Berlin")
        except ValueError as error:
            assert str(error)  # noqa: PT017 - the reason is shown


@pytest.mark.req("GN-08", "CR-42")
def test_every_bad_row_is_named_at_once_with_the_command_that_mends_the_first() -> None:
    rows = {"START": "soon", "FLAG": "TRUE", "DAYS": "7", "MAIL": "x", "TITEL": "typo", "OTHER": "of another tool"}
    with pytest.raises(SettingInvalid) as caught:
        read_settings("CREDLY", SPECS, rows, "UTC")
    for words in ("START", "'soon'", "FLAG", "'TRUE'", "MAIL", "TITEL is no setting: is TITLE meant?"):
        assert words in caught.value.message
    assert "DAYS" not in caught.value.message
    assert "OTHER" not in caught.value.message
    assert caught.value.hint == "connectctl lookup set integration-settings CREDLY START Value=…"
    assert caught.value.exit_code == 3


@pytest.mark.req("GN-08", "CR-08", "CR-13")
def test_what_is_not_set_has_its_default() -> None:
    values = read_settings("CREDLY", SPECS, {"DAYS": "0"}, "UTC")
    assert values == {"START": None, "FLAG": True, "DAYS": 0, "MAIL": None, "MASTER": None, "TITLE": "connectctl flow"}


@pytest.mark.req("GN-12", "GN-11")
@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2026-01-01", "UTC", "2026-01-01T00:00:00"),
        ("2026-01-01", "Europe/Berlin", "2025-12-31T23:00:00"),
        ("2026-07-01", "Europe/Berlin", "2026-06-30T22:00:00"),
        ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00"),  # the day that is 23 hours long
        ("2026-03-30", "Europe/Berlin", "2026-03-29T22:00:00"),
        ("2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00"),  # the day that is 25 hours long
        ("2026-10-26", "Europe/Berlin", "2026-10-25T23:00:00"),
        ("2026-09-06", "America/Santiago", "2026-09-06T04:00:00"),  # its first hour does not exist there
        ("2026-01-01", "Pacific/Kiritimati", "2025-12-31T10:00:00"),
        ("2026-03-29 03:30:00", "Europe/Berlin", "2026-03-29T01:30:00"),
        ("2026-10-25 02:30:00", "Europe/Berlin", "2026-10-25T00:30:00"),  # comes twice: the first, so nobody is missed
    ],
)
def test_a_day_begins_in_the_profiles_zone(text: str, zone: str, moment: str) -> None:
    assert day_start(text, zone).astimezone(UTC).isoformat() == f"{moment}+00:00"


@pytest.mark.parametrize("value", [None, ""])
def test_a_required_value_that_is_missing_names_the_command(value: Any) -> None:
    with pytest.raises(SettingMissing) as caught:
        required("CREDLY", "START", value, "2026-01-01")
    assert caught.value.hint == 'connectctl lookup set integration-settings CREDLY START Value="2026-01-01"'


def test_nothing_but_blank_is_missing() -> None:
    assert required("CREDLY", "DAYS", 0, "1") == 0
    assert required("CREDLY", "FLAG", False, "1") is False


@pytest.mark.req("CR-77")
@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [("true", "disabled", True), ("false", "ENABLED", True), ("true", "enabled", False), ("false", "disabled", False)],
)
def test_the_two_switches_of_negative_synchronization_may_not_disagree(old: str, new: str, fits: bool) -> None:
    specs = (
        SettingSpec("SYNC_REVOCATION", "", "boolean", True),
        SettingSpec(
            "NEGATIVE_SYNC",
            "",
            "choice",
            choices=("ENABLED", "DISABLED"),
            alias=Alias("SYNC_REVOCATION", {"ENABLED": "false", "DISABLED": "true"}),
        ),
    )
    rows = {"SYNC_REVOCATION": old, "NEGATIVE_SYNC": new}
    if fits:
        assert read_settings("CREDLY", specs, rows, "UTC")["SYNC_REVOCATION"] is (old == "true")
        alone = read_settings("CREDLY", specs, {"NEGATIVE_SYNC": new}, "UTC")  # may be used instead
        assert alone["SYNC_REVOCATION"] is (old == "true")
    else:
        with pytest.raises(SettingInvalid, match="opposite"):
            read_settings("CREDLY", specs, rows, "UTC")
