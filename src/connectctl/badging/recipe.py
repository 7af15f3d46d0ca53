"""What a recipe of the kit is: policy, trigger, inputs, outputs, and the function that does its work (GN-01)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectctl.badging.scope import EVERYTHING, Scope

Way = Literal["own", "answers", "outwards", "inwards"]
KIT = "connectctl.badging."
OUTWARDS = ("issue", "replace", "update", "revoke", "expire")  # the actions of each direction
INWARDS = ("create_training", "update_training", "delete_training", "award", "update_award", "revoke_award")
ITEMS = {"items": "each change with its outcome"}
# What inputs are, in the words of `flow show`.
IDS = "id; repeatable"
CODES = "code; repeatable"
AWARD_EVENTS = "completed, awarded, updated or revoked"
BADGE = {"template": IDS, "user": "id or e-mail address; repeatable", "event": "id of the event"}
USER = {"user": "id of the Docebo user"}
BATCH = {
    "since": "date",
    "template": IDS,
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


def function(
    verb: str,
    summary: str,
    target: str,
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
    needs, takes, gives = needs or {}, takes or {}, gives or ITEMS
    return Recipe(
        verb, summary, "function", "called by others", way, KIT + target, uses, needs, takes, gives, scope, event
    )


def kinds(*names: str, actions: tuple[str, ...] = ()) -> Scope:
    """These kinds and actions alone; none named: all."""
    return Scope(frozenset(names) if names else None, frozenset(actions) if actions else None)


# Where a provider calls nobody, its credentials are fetched by the clock (AC-40, AC-64).
BY_CLOCK = Recipe(
    "dispatch-provider",
    "{title} credentials that were issued or changed become external training and certifications in Docebo",
    "start",
    "daily 01:00 America/Los_Angeles",
    "inwards",
    KIT + "inward:prepare",
    gives=ITEMS,
)
