"""Settings in plain words, and what is wrong with their rows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tinydb.table import Document

from connectctl.badging.effects import explained, settings_findings
from connectctl.badging.settings import parse_setting
from connectctl.plugins.specs import Finding
from connectctl_credly.settings import SETTINGS

NOW = datetime(2026, 5, 4, tzinfo=UTC)
GOOD = {"COURSE_ADDITIONAL_FIELD": "Badge", "SYNC_REVOCATION": "true", "BATCH_SYNC_START_DATE": "2026-01-01"}
SET, UNSET = ("lookup", "set", "integration-settings"), ("lookup", "unset", "integration-settings")


def found(*rows: tuple[object, object, object], used: bool = True) -> list[Finding]:
    """The findings of these rows beside good ones for whatever else is asked for."""
    named = {key for _, key, _ in rows}
    all_rows = [*rows, *(("CREDLY", key, value) for key, value in GOOD.items() if key not in named)]
    documents = [
        Document(dict(zip(("Integration", "Key", "Value"), row, strict=True)), number)
        for number, row in enumerate(all_rows, 1)
    ]
    return list(settings_findings({"CREDLY": SETTINGS}, documents, "UTC", NOW, {"CREDLY": used}))


def test_good_rows_have_no_findings() -> None:
    assert found() == []
    assert found(("CREDLY", "NEGATIVE_SYNC", "disabled"), ("CREDLY", "CREDLY_INTEGRATION_MASTER", "docebo")) == []


@pytest.mark.req("GN-08", "GN-09", "GN-10", "CR-07", "CR-09", "CR-11", "CR-12", "CR-77", "CR-78")
@pytest.mark.parametrize(
    ("row", "severity", "words", "fix"),
    [
        (("CREDLY", "SYNC_REVOCATION", "TRUE"), "error", "in lower case",
         (*SET, "CREDLY", "SYNC_REVOCATION", "Value=true")),
        (("CREDLY", "SYNC_REVOCATION", "yes"), "error", "in lower case", (*UNSET, "CREDLY", "SYNC_REVOCATION")),
        (("CREDLY", "SYNC_REVOCATION", None), "warning", "is not set, which means true. Revocations and deletions are "
         "NOT", (*SET, "CREDLY", "SYNC_REVOCATION", "Value=true")),
        (("CREDLY", "BATCH_SYNC_START_DATE", "31.12.2025"), "error", "YYYY-MM-DD",
         (*SET, "CREDLY", "BATCH_SYNC_START_DATE", "Value=2025-12-31")),
        (("CREDLY", "BATCH_SYNC_START_DATE", "1/2/2026"), "error", "YYYY-MM-DD",
         (*UNSET, "CREDLY", "BATCH_SYNC_START_DATE")),
        (("CREDLY", "BATCH_SYNC_START_DATE", ""), "warning", "refuses to run",
         (*SET, "CREDLY", "BATCH_SYNC_START_DATE", "Value=2026-05-04")),  # today: nobody gets what is past
        (("CREDLY", "COURSE_ADDITIONAL_FIELD", " "), "error", "has no value: name of the Docebo course dropdown",
         (*SET, "CREDLY", "COURSE_ADDITIONAL_FIELD", "Value=Credly badge")),
        (("CREDLY", "CREDLY_DEFAULT_EXPIRATION_DAYS", "-1"), "error", "not negative",
         (*UNSET, "CREDLY", "CREDLY_DEFAULT_EXPIRATION_DAYS")),
        (("CREDLY", "CREDLY_DEFAULT_EXPIRATION_DAYS", "30.0"), "error", "whole number",
         (*SET, "CREDLY", "CREDLY_DEFAULT_EXPIRATION_DAYS", "Value=30")),
        (("CREDLY", "NOTIFICATION_MAIL_ID", "Ada <a@b.example>"), "error", "one e-mail address",
         (*SET, "CREDLY", "NOTIFICATION_MAIL_ID", "Value=a@b.example")),
        (("CREDLY", "NOTIFICATION_MAIL_ID", "a@b.example, c@d.example"), "error", "one e-mail address",
         (*UNSET, "CREDLY", "NOTIFICATION_MAIL_ID")),
        (("CREDLY", "CREDLY_INTEGRATION_MASTER", "Doceebo"), "error", "one of DOCEBO, CREDLY",
         (*SET, "CREDLY", "CREDLY_INTEGRATION_MASTER", "Value=DOCEBO")),
        (("CREDLY", "NEGATIVE_SYNC", "enabled"), "error", "says the opposite of SYNC_REVOCATION, which is 'true'",
         (*UNSET, "CREDLY", "NEGATIVE_SYNC")),
        (("CREDLY", "COURSE_ADITIONAL_FIELD", "x"), "error", "is COURSE_ADDITIONAL_FIELD meant, which has a row",
         (*UNSET, "#1")),
        (("CREDLY", "EVIDENCE_TITEL", "x"), "error", "is EVIDENCE_TITLE meant?", (*SET, "#1", "Key=EVIDENCE_TITLE")),
        (("CREDLY", "WHATEVER_ELSE", "x"), "warning", "There is no setting 'WHATEVER_ELSE'", (*UNSET, "#1")),
        (("Credly", "EVIDENCE_TITLE", "x"), "error", "is CREDLY meant?", (*SET, "#1", "Integration=CREDLY")),
        (("MOODLE", "X", "x"), "warning", "No installed plugin reads the settings of 'MOODLE'", (*UNSET, "#1")),
        ((" CREDLY", "SYNC_REVOCATION", "no"), "error", "in lower case", (*UNSET, "#1")),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_setting_and_its_fix(
    row: tuple[object, object, object], severity: str, words: str, fix: tuple[str, ...]
) -> None:
    (finding,) = found(row)
    assert (finding.severity, finding.fix) == (severity, fix)
    assert words in finding.message


def test_of_an_integration_that_is_not_in_use_a_missing_setting_is_a_warning_and_defaults_are_no_matter() -> None:
    (finding,) = settings_findings({"CREDLY": SETTINGS}, [], "UTC", NOW, {"CREDLY": False})
    assert (finding.severity, finding.key) == ("warning", ("CREDLY", "COURSE_ADDITIONAL_FIELD"))
    assert len(list(settings_findings({"CREDLY": SETTINGS}, [], "UTC", NOW, {"CREDLY": True}))) == 3


def test_a_misspelt_setting_is_not_missed_as_well() -> None:
    row = Document({"Integration": "CREDLY", "Key": "COURSE_ADITIONAL_FIELD", "Value": "Badge"}, 1)
    findings = settings_findings({"CREDLY": SETTINGS}, [row], "UTC", NOW, {})
    assert [finding.key[1] for finding in findings if finding.severity == "error"] == ["COURSE_ADITIONAL_FIELD"]


@pytest.mark.req("CR-77")
def test_the_alias_stands_for_the_setting() -> None:
    rows = [
        Document({"Integration": "CREDLY", "Key": key, "Value": value}, number)
        for number, (key, value) in enumerate({**GOOD, "SYNC_REVOCATION": None, "NEGATIVE_SYNC": "enabled"}.items(), 1)
    ]
    assert list(settings_findings({"CREDLY": SETTINGS}, rows, "UTC", NOW, {})) == []


# --- explained


def effect(key: str, value: str = "", timezone: str = "UTC", **others: str) -> str:
    return next(
        found for found in explained(SETTINGS, {key: value, **others}, timezone) if found.spec.name == key
    ).effect


@pytest.mark.req("CR-06", "CR-07", "CR-08", "CR-09", "CR-10", "CR-11", "CR-12", "CR-13", "CR-77", "CR-78")
@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("BATCH_SYNC_START_DATE", "", "refuses to run"),
        ("BATCH_SYNC_START_DATE", "2026-01-01", "The moment meant is 2026-01-01 00:00:00 in UTC"),
        ("BATCH_SYNC_START_DATE", "soon", "'soon' is not a date of the form YYYY-MM-DD"),
        ("NOTIFICATION_MAIL_ID", "a@b.example", "a@b.example gets a mail"),
        ("SYNC_REVOCATION", "", "As if it were true. Revocations and deletions are NOT carried over"),
        ("SYNC_REVOCATION", "true", "Revocations and deletions are NOT carried over"),
        ("SYNC_REVOCATION", "false", "Revocations and deletions are carried over"),
        ("SYNC_REVOCATION", "False", "must be the word true or false, in lower case"),
        ("NEGATIVE_SYNC", "enabled", "are carried over between Docebo and Credly"),
        ("NEGATIVE_SYNC", "DISABLED", "disabled is SYNC_REVOCATION true"),
        ("CREDLY_DEFAULT_EXPIRATION_DAYS", "", "the badge template's own rule in Credly decides"),
        ("CREDLY_DEFAULT_EXPIRATION_DAYS", "0", "A badge never expires"),
        ("CREDLY_DEFAULT_EXPIRATION_DAYS", "1", "expires 1 day after the day of the run"),
        ("CREDLY_DEFAULT_EXPIRATION_DAYS", "365", "expires 365 days after the day of the run"),
        ("CREDLY_DEFAULT_EXPIRATION_DAYS", "-1", "exit code 3"),
        ("EXTERNAL_TRAINING_INSTITUTE_NAME", "Acme", "name Acme as the institute"),
        ("COURSE_ADDITIONAL_FIELD", "", "refuse to run"),
        ("COURSE_ADDITIONAL_FIELD", "Badge", "The dropdown Badge on Docebo's courses"),
        ("CREDLY_INTEGRATION_MASTER", "", "both ways"),
        ("CREDLY_INTEGRATION_MASTER", "docebo", "from Docebo to Credly only"),
        ("CREDLY_INTEGRATION_MASTER", "CREDLY", "from Credly to Docebo only"),
        ("EVIDENCE_TITLE", "", "the title connectctl flow"),
        ("EVIDENCE_TITLE", "Why", "the title Why"),
    ],
)
def test_each_setting_says_what_it_does(key: str, value: str, words: str) -> None:
    assert words in effect(key, value)


@pytest.mark.req("GN-12", "CR-06")
@pytest.mark.parametrize(
    ("value", "zone", "words"),
    [
        ("2026-01-01", "Europe/Berlin", "2026-01-01 00:00:00 in Europe/Berlin, which is 2025-12-31T23:00:00Z"),
        ("2026-07-01 08:30:00", "Europe/Berlin", "2026-07-01 08:30:00 in Europe/Berlin, which is 2026-07-01T06:30:00Z"),
        ("2026-01-01", "Pacific/Kiritimati", "which is 2025-12-31T10:00:00Z"),
    ],
)
def test_a_date_is_the_moment_that_runs_take_it_for(value: str, zone: str, words: str) -> None:
    assert words in effect("BATCH_SYNC_START_DATE", value, zone)
    start = parse_setting(SETTINGS[0], value, zone).astimezone(UTC)
    assert start.strftime("%Y-%m-%dT%H:%M:%SZ") in words


@pytest.mark.req("CR-77", "AC-66")
def test_the_two_spellings_are_explained_together() -> None:
    assert "NEGATIVE_SYNC decides, as if this were false. Revocations and deletions are carried over" in effect(
        "SYNC_REVOCATION", NEGATIVE_SYNC="Enabled"
    )
    assert "NEGATIVE_SYNC says the opposite" in effect("SYNC_REVOCATION", "true", NEGATIVE_SYNC="enabled")
    assert "are NOT carried over" in effect("SYNC_REVOCATION", "true", NEGATIVE_SYNC="disabled")


def test_every_setting_says_what_blank_means_and_what_is_allowed() -> None:
    for found in explained(SETTINGS, {}, "Europe/Berlin"):
        assert found.valid
        assert found.blank == found.effect
        assert found.blank.endswith(".")
        assert found.allowed
