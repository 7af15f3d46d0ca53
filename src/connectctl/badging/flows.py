"""The flows that the kit makes for a badge provider: one for each recipe that the provider has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectctl.badging.recipe import BY_CLOCK, INWARDS, KIT, OUTWARDS, Recipe
from connectctl.badging.recipes import RECIPES
from connectctl.badging.scope import EVERYTHING
from connectctl.plugins.guard import resolve
from connectctl.plugins.specs import FlowSpec, ProviderSpec

BATCHES = ("batch-sync", "batch-sync-inwards")


@dataclass(frozen=True, slots=True)
class Bound:
    """A function of the kit, imported when it is called, with what it gets before and besides the run's arguments."""

    target: str
    first: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, *args: Any) -> Any:
        """What the function returns."""
        return resolve(self.target, "connectctl")(*self.first, *args, **self.named)


def provider_flows(spec: ProviderSpec) -> tuple[FlowSpec, ...]:
    """Those of its recipes, and the comparison of Docebo, provider and ledger."""
    return (*recipe_flows(spec), _reconcile(spec))


def recipe_flows(spec: ProviderSpec) -> tuple[FlowSpec, ...]:
    """A flow for each title that the provider has, in charge of what all verbs of the kit with this title do."""
    by_title: dict[str, list[Recipe]] = {}
    for recipe in RECIPES:
        if recipe.verb in spec.titles:
            clocked = recipe.verb == BY_CLOCK.verb and not spec.capabilities.has_webhooks
            by_title.setdefault(spec.titles[recipe.verb], []).append(BY_CLOCK if clocked else recipe)
    return tuple(_flow(spec, _together(recipes)) for recipes in by_title.values())


def _together(recipes: Sequence[Recipe]) -> Recipe:
    """The first of several recipes that are one at this provider, with the scope of all of them."""
    first, *others = recipes
    for other in others:
        first = replace(first, scope=first.scope | other.scope)
    return first


def _flow(spec: ProviderSpec, recipe: Recipe) -> FlowSpec:
    words = {"name": spec.name, "title": spec.title, "noun": spec.noun, "table": spec.template_table.title}
    ways = {"own": _own, "answers": _answers, "outwards": _outwards, "inwards": _inwards}
    takes = {name: f"{kind}, required" for name, kind in recipe.needs.items()} | dict(recipe.takes)
    facts: dict[str, Any] = {
        "name": f"{spec.name}.{recipe.verb}",
        "title": spec.titles[recipe.verb],
        "summary": recipe.summary.format(**words),
        "policy": recipe.policy,
        "trigger": recipe.trigger.format(**words),
        "integration": spec.integration,
        "uses": tuple(spec.connection if name == "provider" else name for name in recipe.uses),
        "calls": spec.callees(recipe.verb),
        "params": tuple(takes),
        "needs": tuple(recipe.needs),
        "preset": {"event": recipe.event} if recipe.event else {},
        "types": takes,
        "gives": {name.format(**words): kind for name, kind in recipe.gives.items()},
        "function": recipe.function,
        "by_choice": recipe.by_choice,
        "after": tuple(f"{spec.name}.{verb}" for verb in recipe.after),
    }
    return FlowSpec(**(facts | ways[recipe.way](spec, recipe) | _recovery(spec, recipe)))


def _recovery(spec: ProviderSpec, recipe: Recipe) -> dict[str, Any]:
    """The batches settle what all runs of their direction left: others pass by too seldom, or too often, for that."""
    if recipe.verb not in BATCHES:
        return {}
    verbs = [one.verb for one in RECIPES if one.verb in spec.titles and one.way == recipe.way and one != recipe]
    return {
        "recovers": tuple(f"{spec.name}.{verb}" for verb in (*verbs, "reconcile")),
        "actions": OUTWARDS if recipe.way == "outwards" else INWARDS,
    }


def _answers(spec: ProviderSpec, recipe: Recipe) -> dict[str, Any]:
    """A function whose answer is the run's output."""
    return {
        "read": Bound(KIT + "functions:read", (spec, recipe.verb, recipe.function)),
        "plan": KIT + "functions:plan",
        "settings": tuple(setting.name for setting in spec.settings) if recipe.verb == "read-settings" else (),
    }


def _outwards(spec: ProviderSpec, recipe: Recipe) -> dict[str, Any]:
    """Docebo to the provider, or a share of it."""
    prepare = KIT + ("dispatch:prepare_outwards" if recipe.verb == "dispatch-docebo" else "outward:prepare")
    return {
        "prepare": Bound(prepare, (spec,), {} if recipe.scope == EVERYTHING else {"scope": recipe.scope}),
        "parts": KIT + "outward:parts",
        "read": KIT + "outward:read",
        "plan": KIT + "outward_plan:plan",
        "apply": KIT + "issuing:apply",
        "look": Bound(KIT + "issuing:look", (spec,)),
        "applies_to": spec.connection,
        "writes": (f"{spec.title} credentials",),
        "settings": tuple(setting.name for setting in spec.settings),
        "batch": spec.capabilities.batch,
        "alone": _alone(spec),
    }


def _alone(spec: ProviderSpec) -> Mapping[str, int]:
    """The changes that no call makes many of."""
    can = spec.capabilities
    return dict.fromkeys((can.replacing, can.revoking), can.change_requests)


def _inwards(spec: ProviderSpec, recipe: Recipe) -> dict[str, Any]:
    """The provider to Docebo, or a share of it."""
    return {
        "prepare": Bound(
            KIT + "inward:prepare", (spec,), {} if recipe.scope == EVERYTHING else {"scope": recipe.scope}
        ),
        "parts": KIT + "inward:parts",
        "read": KIT + "inward:read",
        "plan": KIT + "inward_plan:plan",
        "apply": Bound(KIT + "importing:apply", (spec,)),
        "look": KIT + "importing:look",
        "applies_to": "docebo",
        "writes": ("external training in Docebo", "certification awards in Docebo"),
        "settings": tuple(setting.name for setting in spec.settings),
    }


def _own(spec: ProviderSpec, recipe: Recipe) -> dict[str, Any]:
    """The recipes that have a read and a plan of their own."""
    templates, mappings = spec.template_table.title, spec.mapping_table.title
    field_setting = (spec.keys["field"],) if "field" in spec.keys else ()
    on_field: dict[str, Any] = {
        "apply": KIT + "field:apply",
        "look": KIT + "field:look",
        "applies_to": "docebo",
        "settings": field_setting,
        "batch": 1000,  # one request changes all elements; never two at a time (docebo.md 4.4)
        "requests": 2,  # the field is read again after the change
        "parallel": False,
    }
    rows = (f"table {templates}", f"table {mappings} (IsActive only)")
    if "plan_field" in spec.keys:
        target = {"target": "course or plan"}
        on_field |= {"params": tuple(target), "types": target}
        on_field["settings"] += (spec.keys["plan_field"],)
    more: dict[str, dict[str, Any]] = {
        "sync-templates": {"plan": KIT + "templates:plan", "writes": rows},
        "sync-template": {"plan": KIT + "templates:plan", "writes": rows},
        "notify-deletions": {"plan": KIT + "templates:plan_notice", "writes": ("a mail",)},
        "run-sync-field": {"plan": KIT + "dispatch:plan"},
        "dispatch-provider": {"plan": KIT + "dispatch:plan"},
        "process-event": {"plan": KIT + "dispatch:plan"},
        "find-field": on_field | {"plan": KIT + "field:plan_field", "writes": ("the Docebo course additional field",)},
        "sync-field": on_field
        | {
            "plan": KIT + "field:plan",
            "writes": ("the Docebo course additional field", f"table {templates} (Dropdown Element ID)"),
        },
    }
    return {"read": Bound(recipe.function, (spec,))} | more[recipe.verb]


def _reconcile(spec: ProviderSpec) -> FlowSpec:
    """No recipe of the vendor's: Docebo, the provider and the ledger compared, and on request brought in line."""
    return FlowSpec(
        name=f"{spec.name}.reconcile",
        title=f"Reconcile - Docebo, {spec.title} and ledger",
        summary=f"Docebo, {spec.title} and the ledger compared; with repair=true brought in line",
        policy="manual",
        trigger="by hand",
        prepare=Bound(KIT + "reconcile:prepare", (spec,)),
        parts=KIT + "reconcile:parts",
        read=KIT + "reconcile:read",
        plan=KIT + "reconcile:plan",
        apply=Bound(KIT + "reconcile:apply", (spec,)),
        look=Bound(KIT + "reconcile:look", (spec,)),
        integration=spec.integration,
        uses=("docebo", spec.connection),
        applies_to=spec.connection,
        writes=(f"{spec.title} credentials, only with repair=true", "Docebo's external training and awards, likewise"),
        settings=tuple(setting.name for setting in spec.settings),
        params=("repair", "revoke"),
        types={"repair": "true or false", "revoke": "true or false, with repair"},
        batch=spec.capabilities.batch,
        alone=_alone(spec),
    )
