"""The recipes of the kit by verb: policy, trigger, inputs, outputs, and the function that does each one's work (GN-01).

A provider's `titles` say which of them it has and what they are called there; `flows.py` makes a flow of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectctl.badging.scope import EVERYTHING, Scope

Way = Literal["own", "answers", "outwards", "inwards"]
_KIT = "connectctl.badging."
_IDS = "id; repeatable"
_USER = {"user": "id of the Docebo user"}
_ITEMS = {"items": "each change with its outcome"}
_BATCH = {
    "since": "date",
    "template": _IDS,
    "full": "true or false",
    "all_history": "true or false",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe of the kit, whatever the provider calls it.

    `way` is how it is run: as a flow of its own, by a function whose answer is the run's output, or as one of the two
    directions narrowed to `scope`. `function` is the code that does its work. `needs` are the inputs that it cannot do
    without, `takes` the others, `gives` the outputs, each with what it is. `uses` names connections, "provider" that of
    the provider. `{title}`, `{noun}` and `{table}` in the texts are the provider's words.
    """

    verb: str
    summary: str
    policy: Literal["start", "function", "manual"]
    trigger: str
    way: Way
    function: str
    uses: tuple[str, ...] = ("docebo", "provider")
    needs: Mapping[str, str] = field(default_factory=dict)
    takes: Mapping[str, str] = field(default_factory=dict)
    gives: Mapping[str, str] = field(default_factory=dict)
    scope: Scope = EVERYTHING
    event: str = ""  # what has happened, where the recipe is about one kind of event
    by_choice: bool = False
    after: tuple[str, ...] = ()


def _function(
    verb: str,
    summary: str,
    function: str,
    way: Way = "answers",
    *,
    uses: tuple[str, ...] = ("docebo", "provider"),
    needs: Mapping[str, str] | None = None,
    takes: Mapping[str, str] | None = None,
    gives: Mapping[str, str] | None = None,
    scope: Scope = EVERYTHING,
    event: str = "",
) -> Recipe:
    """A recipe that others call."""
    needs, takes, gives = needs or {}, takes or {}, gives or _ITEMS
    return Recipe(
        verb, summary, "function", "called by others", way, _KIT + function, uses, needs, takes, gives, scope, event
    )


def _kinds(*kinds: str, actions: tuple[str, ...] = ()) -> Scope:
    return Scope(frozenset(kinds) if kinds else None, frozenset(actions) if actions else None)


RECIPES: tuple[Recipe, ...] = (
    # Utility
    _function(
        "find-field",
        "The Docebo course dropdown; it is created when it is not there",
        "field:read_alone",
        "own",
        uses=("docebo",),
        gives={"course_field_id": "id"},
    ),
    _function(
        "check-master",
        "Which directions the master setting allows",
        "functions:check_master",
        uses=(),
        gives={"docebo_to_{name}": "true or false", "{name}_to_docebo": "true or false"},
    ),
    _function(
        "read-settings",
        "The settings of the integration, checked",
        "functions:settings",
        uses=(),
        gives={"settings": "key and value"},
    ),
    # Templates
    Recipe(
        "run-sync-field",
        "Runs the sync of the dropdown, by the clock or by hand",
        "start",
        "every 5 minutes",
        "own",
        _KIT + "dispatch:tick",
        uses=(),
        gives={"calls": "the run of the sync"},
    ),
    _function(
        "sync-template",
        "One {title} {noun} into the table {table}, at once",
        "templates:read_one",
        "own",
        uses=("provider",),
        needs={"template": "id"},
        takes={"event": "changed or deleted", "at": "moment of the event"},
        gives={"items": "the rows changed", "calls": "the run of the dropdown's sync"},
    ),
    _function(
        "notify-deletions",
        "The mail about {noun}s that are gone, and the mappings that are off because of it",
        "templates:read_deleted",
        "own",
        uses=("provider",),
        takes={"template": _IDS},
        gives={"mail": "to NOTIFICATION_MAIL_ID"},
    ),
    Recipe(
        "sync-templates",
        "{title} {noun}s into the table {table}",
        "start",
        "daily 02:00 America/Los_Angeles",
        "own",
        _KIT + "templates:read",
        uses=("provider",),
        gives={"items": "the rows changed"},
    ),
    Recipe(
        "sync-field",
        "Table {table} into the Docebo course dropdown",
        "start",
        "every 5 minutes",
        "own",
        _KIT + "field:read",
        uses=("docebo",),
        gives={"items": "the elements and rows changed"},
        by_choice=True,
    ),
    # Docebo to the provider
    Recipe(
        "dispatch-docebo",
        "What a webhook from Docebo reports becomes {title} credentials, for one learner",
        "start",
        "webhook from Docebo",
        "outwards",
        _KIT + "dispatch:prepare_outwards",
        needs={"event": "completed, awarded, updated or revoked"} | _USER,
        takes={"course": "id", "certification": "code"},
        gives=_ITEMS,
        after=("batch-sync", "batch-sync-inwards"),
    ),
    Recipe(
        "batch-sync",
        "Completed courses and learning plans, and certifications, in Docebo become {title} credentials",
        "manual",
        "by hand",
        "outwards",
        _KIT + "outward:prepare",
        takes={**_BATCH, "course": _IDS, "reissue": "expired, revoked or rejected; repeatable"},
        gives=_ITEMS,
    ),
    _function(
        "assign-course",
        "The {noun} selected on a course, to those who have completed it",
        "earnings:course_earnings",
        "outwards",
        needs={"course": _IDS},
        takes=_USER,
        scope=_kinds("course"),
    ),
    _function(
        "assign-plans",
        "The {noun}s of the learning plans that contain a course, to those who have completed them",
        "earnings:plan_earnings",
        "outwards",
        needs={"course": _IDS},
        takes=_USER,
        scope=_kinds("plan"),
    ),
    _function(
        "read-awards",
        "The certification awards that are mapped to a {noun}",
        "functions:read_awards",
        uses=("docebo",),
        takes={"since": "date", "certification": "code; repeatable", "user": _IDS},
        gives={"awards": "list of awards"},
    ),
    _function(
        "list-plans",
        "The learning plans that contain a course",
        "functions:list_plans",
        uses=("docebo",),
        needs={"course": _IDS},
        gives={"plans": "list of id and name"},
    ),
    _function(
        "filter-plans",
        "Of the learning plans those that an active row maps",
        "functions:filter_plans",
        uses=("docebo",),
        takes={"plan": _IDS},
        gives={"plans": "list of plan and template"},
    ),
    _function(
        "list-completions",
        "Who has completed a course since the start date",
        "functions:list_completions",
        uses=("docebo",),
        needs={"course": _IDS},
        takes={"since": "date"},
        gives={"users": "list of user and completion", "left_out": "number by reason"},
    ),
    _function(
        "assign-users",
        "What a user has earned of a {noun} by courses and learning plans",
        "plan:plan",
        "outwards",
        needs={"user": _IDS, "template": _IDS},
        takes={"course": _IDS},
        scope=_kinds("course", "plan"),
    ),
    _function(
        "filter-unassigned",
        "Of the {noun}s those that a user does not hold",
        "functions:filter_unassigned",
        needs={**_USER, "template": _IDS},
        gives={"templates": "list of ids", "held": "credential by template"},
    ),
    _function(
        "match-plans",
        "The {noun}s that a user has earned by completed learning plans",
        "functions:match_plans",
        uses=("docebo",),
        needs=_USER,
        takes={"plan": _IDS},
        gives={"templates": "list of ids", "completed_plans": "list of ids"},
    ),
    _function(
        "process-awards",
        "What a user's award of a certification asks for: issue, replace or revoke",
        "awards:plan",
        "outwards",
        needs={"user": _IDS, "certification": "code; repeatable"},
        takes={"event": "awarded, updated or revoked"},
        scope=_kinds("certification"),
    ),
    _function(
        "issue-credential",
        "Issue what a user has earned",
        "issuing:apply",
        "outwards",
        needs={"user": _IDS},
        takes={"template": _IDS, "course": _IDS, "certification": "code; repeatable"},
        scope=_kinds(actions=("issue",)),
    ),
    _function(
        "revoke-credential",
        "Revoke the credential of an award that a user no longer has",
        "issuing:apply",
        "outwards",
        needs={"user": _IDS, "certification": "code; repeatable"},
        scope=_kinds("certification", actions=("revoke",)),
        event="revoked",
    ),
    _function(
        "replace-credential",
        "Replace the credential of an award that was renewed",
        "issuing:apply",
        "outwards",
        needs={"user": _IDS, "certification": "code; repeatable"},
        scope=_kinds("certification", actions=("replace",)),
    ),
    # The provider to Docebo
    Recipe(
        "dispatch-provider",
        "What a webhook from {title} reports, to the recipe that is in charge of it",
        "start",
        "webhook from {title}",
        "own",
        _KIT + "dispatch:read_event",
        uses=("provider",),
        needs={"event": "id of the event"},
        gives={"calls": "the run of the recipe"},
        after=("batch-sync", "batch-sync-inwards"),
    ),
    Recipe(
        "batch-sync-inwards",
        "{title} credentials become external training and certifications in Docebo",
        "manual",
        "by hand",
        "inwards",
        _KIT + "inward:prepare",
        takes=_BATCH,
        gives=_ITEMS,
    ),
    _function(
        "read-credentials",
        "The credentials of a {noun} into Docebo",
        "inward:prepare",
        "inwards",
        needs={"template": _IDS},
        takes={"since": "date"},
    ),
    _function(
        "import-credential",
        "One credential into Docebo",
        "inward:prepare",
        "inwards",
        needs={"badge": _IDS},
        takes={"template": _IDS},
    ),
    _function(
        "find-user",
        "The Docebo user with an e-mail address",
        "functions:find_user",
        uses=("docebo",),
        needs={"email": "e-mail address"},
        gives={"user": "id, e-mail, names; null for nobody"},
    ),
    _function(
        "check-origin",
        "Whether a credential was issued by us",
        "functions:check_origin",
        uses=("docebo",),
        needs=_USER,
        takes={"earner": "issuer earner id of the credential", "badge": _IDS},
        gives={"issued_by_us": "true or false", "identity_conflict": "true or false"},
    ),
    _function(
        "import-training",
        "The external training of one credential",
        "importing:apply",
        "inwards",
        needs={"badge": _IDS},
        takes={"template": _IDS},
        scope=_kinds("training"),
    ),
    _function(
        "delete-training",
        "Delete the external training of a credential that was revoked",
        "importing:apply",
        "inwards",
        needs={"badge": _IDS},
        takes={"template": _IDS},
        scope=_kinds("training", actions=("delete_training",)),
    ),
    _function(
        "update-training",
        "Update the external training of a credential that was replaced",
        "importing:apply",
        "inwards",
        needs={"badge": _IDS},
        takes={"template": _IDS},
        scope=_kinds("training", actions=("update_training", "delete_training")),
    ),
    _function(
        "import-award",
        "The certification award of one credential",
        "importing:apply",
        "inwards",
        needs={"badge": _IDS},
        takes={"template": _IDS},
        scope=_kinds("award"),
    ),
    _function(
        "find-award",
        "The award of a certification that a user has now",
        "functions:find_award",
        uses=("docebo",),
        needs={**_USER, "certification": "code"},
        gives={"award": "award; null for none"},
    ),
    _function(
        "process-event",
        "An event of a credential at {title}, read and carried over to Docebo",
        "dispatch:read_event",
        "own",
        uses=("provider",),
        needs={"event": "id of the event"},
        gives={"calls": "the run of the recipe"},
    ),
)
BY_VERB: Mapping[str, Recipe] = {recipe.verb: recipe for recipe in RECIPES}
