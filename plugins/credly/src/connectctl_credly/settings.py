"""Credly's rows of integration-settings, each with its effect in plain words (CR-06 to CR-13, CR-77, CR-78)."""

from __future__ import annotations

from connectctl.api import Alias, SettingSpec


def _start(value: str | None) -> str:
    if value is None:
        return (
            "credly batch-sync refuses to run, unless --since DATE or --all-history is given with --max-changes N: "
            "nobody should get badges for years of history by accident."
        )
    return (
        "credly batch-sync issues nothing for what was completed, and imports nothing that was issued, before this "
        "moment; the moment itself counts."
    )


def _mail(value: str | None) -> str:
    if value is None:
        return "Nobody is written to: failed runs and deleted badge templates are only seen with connectctl run list."
    return f"{value} gets a mail when a run fails, and when badge templates were deleted in Credly."


def _revocation(value: str | None) -> str:
    if value is None:
        return "As if it were true. " + _revocation("true")
    return _switched(off=value == "true") + " The name suggests the opposite; NEGATIVE_SYNC says the same plainly."


def _negative(value: str | None) -> str:
    if value is None:
        return "SYNC_REVOCATION alone decides."
    return _switched(off=value.upper() == "DISABLED") + f" It is another spelling: {_same(value.upper())}."


def _switched(*, off: bool) -> str:
    words = "are NOT carried over" if off else "are carried over"
    return f"Revocations and deletions {words} between Docebo and Credly."


def _same(value: str) -> str:
    return f"{value.lower()} is SYNC_REVOCATION {SYNC[value]}"


def _expiration(value: str | None) -> str:
    if value is None:
        return "No expiry is sent: the badge template's own rule in Credly decides."
    days = int(value)
    if days == 0:
        return "A badge never expires, whatever its template says: Credly is told so in so many words."
    some = "1 day" if days == 1 else f"{days} days"
    return f"A badge expires {some} after the day of the run that plans it, at 00:00 UTC; not after the completion."


def _institute(value: str | None) -> str:
    if value is None:
        return (
            "credly batch-sync --direction inwards refuses to run while a mapping row imports badges as external "
            "training: every training needs an institute."
        )
    return f"Badges that are imported as external training name {value} as the institute."


def _field(value: str | None) -> str:
    if value is None:
        return "credly sync-field and credly batch-sync refuse to run: they do not know the dropdown."
    return (
        f"The dropdown {value} on Docebo's courses holds the badge templates: credly sync-field makes and fills it, "
        "credly batch-sync issues what a course has selected there."
    )


def _master(value: str | None) -> str:
    words = {
        None: "Certifications go both ways",
        "DOCEBO": "Docebo is the master: certifications go from Docebo to Credly only",
        "CREDLY": "Credly is the master: certifications go from Credly to Docebo only",
    }
    return words[value and value.upper()] + "."


def _evidence(value: str | None) -> str:
    return (
        f"Every badge carries one piece of evidence with the title {value or 'connectctl flow'}; its text names the "
        "flow and the course or learning plan that earned the badge."
    )


SYNC = {"ENABLED": "false", "DISABLED": "true"}

SETTINGS = (
    SettingSpec(
        "BATCH_SYNC_START_DATE",
        "oldest completion or issue date the batches look at",
        "date",
        explain=_start,
        advised=True,
    ),
    SettingSpec("NOTIFICATION_MAIL_ID", "receiver of error notifications", "email", explain=_mail),
    SettingSpec(
        "SYNC_REVOCATION",
        "true switches revocations and deletions off",
        "boolean",
        True,
        explain=_revocation,
        advised=True,
    ),
    SettingSpec(
        "CREDLY_DEFAULT_EXPIRATION_DAYS",
        "days until a badge expires; 0 never; blank the template's default",
        "integer",
        minimum=0,
        maximum=36500,
        explain=_expiration,
    ),
    SettingSpec("EXTERNAL_TRAINING_INSTITUTE_NAME", "institute of imported external training", explain=_institute),
    SettingSpec(
        "COURSE_ADDITIONAL_FIELD",
        "name of the Docebo course dropdown that holds the templates",
        required=True,
        explain=_field,
        example="Credly badge",
    ),
    SettingSpec(
        "CREDLY_INTEGRATION_MASTER",
        "direction of certifications",
        "choice",
        choices=("DOCEBO", "CREDLY"),
        explain=_master,
    ),
    SettingSpec(
        "EVIDENCE_TITLE", "title of the evidence that names the flow", default="connectctl flow", explain=_evidence
    ),
    SettingSpec(
        "NEGATIVE_SYNC",
        "alias of SYNC_REVOCATION in plain words",
        "choice",
        choices=("ENABLED", "DISABLED"),
        explain=_negative,
        alias=Alias("SYNC_REVOCATION", SYNC),
    ),
)
