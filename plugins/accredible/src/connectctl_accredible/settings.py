"""Accredible's rows of integration-settings, each with its effect in plain words (AC-08 to AC-18, AC-66 to AC-68)."""

from __future__ import annotations

from connectctl.api import Alias, SettingSpec


def _institute(value: str | None) -> str:
    if value is None:
        return "Credentials cannot be imported as external training: Docebo wants the name of an institute."
    return f"Imported credentials name {value} as the institute of the external training."


def _expiration(value: str | None) -> str:
    if value is None:
        return "No expiry is sent for courses and learning plans: the group's own period in Accredible decides."
    days = int(value)
    if days == 0:
        return "What a course or learning plan earns never expires: an expiry that the group fills in is removed."
    some = "1 day" if days == 1 else f"{days} days"
    return f"What a course or learning plan earns expires {some} after its issue date. Certifications bring their own."


def _inwards(value: str | None) -> str:
    if value is None:
        return "Nothing is imported: the import does not know where to begin."
    return "The import looks at no credential that was issued before; the day itself counts."


def _outwards(value: str | None) -> str:
    if value is None:
        return "Nothing is created: nobody should get credentials for years of history by accident."
    return "No credential is created for what was completed or awarded before; the moment itself counts."


def _field(value: str | None) -> str:
    if value is None:
        return "Nothing goes into Docebo's courses: the dropdown has no name."
    return f"The dropdown {value} on Docebo's courses holds the credential groups."


def _plan_field(value: str | None) -> str:
    if value is None:
        return "Learning plans have no dropdown: they earn what the mapping table says."
    return f"The dropdown {value} on Docebo's learning plans holds the credential groups, beside the mapping table."


def _mail(value: str | None) -> str:
    if value is None:
        return "Nobody is written to: failed runs and deleted groups are only seen with connectctl run list."
    return f"{value} gets a mail when a run fails, and when credential groups were deleted in Accredible."


def _master(value: str | None) -> str:
    words = {
        None: "Certifications go both ways",
        "DOCEBO": "Docebo is the master: certifications go from Docebo to Accredible only",
        "ACCREDIBLE": "Accredible is the master: certifications go from Accredible to Docebo only",
    }
    reach = 'Courses, learning plans and external training are not limited by it, unless master_covers = "everything"'
    return f"{words[value and value.upper()]}. {reach}."


def _revocation(value: str | None) -> str:
    if value is None:
        return "As if it were true. " + _revocation("true")
    return _switched(off=value == "true") + " The name suggests the opposite; NEGATIVE_SYNC says the same plainly."


def _negative(value: str | None) -> str:
    if value is None:
        return "SYNC_REVOCATION alone decides."
    same = f"{value.lower()} is SYNC_REVOCATION {SYNC[value.upper()]}"
    return _switched(off=value.upper() == "DISABLED") + f" It is another spelling: {same}."


def _switched(*, off: bool) -> str:
    if off:
        return "A certification that is revoked in Docebo leaves the credential in Accredible as it is."
    return (
        "A certification that is revoked in Docebo lets the credential expire that it earned; nothing is deleted. "
        "Nothing ever goes the other way."
    )


def _overwrite(value: str | None) -> str:
    words = {
        "SKIP": "A credential that is there already stays as it is.",
        "OVERWRITE": "A credential of ours that is there already gets the new dates, in place and under the same id.",
        "CREATE_NEW": "Another credential is created beside it; the group has to allow duplicates.",
    }
    return words["SKIP"] + " That is SKIP, the default." if value is None else words[value.upper()]


def _real_time(value: str | None) -> str:
    return _overwrite(value) + " A certification that was only updated changes nothing before the next batch."


SYNC = {"ENABLED": "false", "DISABLED": "true"}
OVERWRITE = ("SKIP", "OVERWRITE", "CREATE_NEW")

SETTINGS = (
    SettingSpec("EXTERNAL_TRAINING_INSTITUTE_NAME", "institute of imported external training", explain=_institute),
    SettingSpec(
        "ACCREDIBLE_DEFAULT_EXPIRATION_DAYS",
        "days from the issue date until a credential expires; 0 never; blank the group's own period",
        "integer",
        minimum=0,
        maximum=36500,
        explain=_expiration,
    ),
    SettingSpec(
        "ACCREDIBLE_TO_DOCEBO_BATCH_SYNC_START_DATE",
        "oldest issue date that the import looks at",
        "date",
        explain=_inwards,
        advised=True,
    ),
    SettingSpec(
        "DOCEBO_TO_ACCREDIBLE_BATCH_SYNC_START_DATE",
        "oldest completion or award that earns a credential",
        "date",
        explain=_outwards,
        advised=True,
    ),
    SettingSpec(
        "COURSE_ADDITIONAL_FIELD",
        "name of the Docebo course dropdown that holds the credential groups",
        required=True,
        explain=_field,
        example="Accredible credential",
    ),
    SettingSpec("NOTIFICATION_MAIL_ID", "receiver of error and deletion notices", "email", explain=_mail),
    SettingSpec(
        "ACCREDIBLE_INTEGRATION_MASTER",
        "direction of certifications",
        "choice",
        choices=("DOCEBO", "ACCREDIBLE"),
        explain=_master,
    ),
    SettingSpec(
        "SYNC_REVOCATION",
        "true switches revocations off",
        "boolean",
        True,
        explain=_revocation,
        advised=True,
    ),
    SettingSpec(
        "BATCH_OVERWRITE_BEHAVIOUR",
        "what the batch does where a credential is there already",
        "choice",
        "SKIP",
        OVERWRITE,
        explain=_overwrite,
    ),
    SettingSpec(
        "REAL_TIME_OVERWRITE_BEHAVIOUR",
        "what real time does where a credential is there already",
        "choice",
        "SKIP",
        OVERWRITE,
        explain=_real_time,
    ),
    SettingSpec(
        "LEARNING_PLAN_ADDITIONAL_FIELD",
        "name of the Docebo learning plan dropdown that holds the credential groups",
        explain=_plan_field,
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
