"""The recipes of Credly against the facts of their documentation: titles, policies, triggers, who calls whom."""

from __future__ import annotations

import json
import string
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectctl.badging.flows import Bound, recipe_flows
from connectctl.badging.recipe import Recipe
from connectctl.badging.recipes import RECIPES
from connectctl.errors import ContractBroken
from connectctl.plugins.guard import resolve
from connectctl.plugins.specs import FlowSpec
from connectctl_credly.plugin import PROVIDER

DATA = Path(__file__).parent / "data"
FACTS: dict[str, dict[str, Any]] = json.loads((DATA / "appendix_b.json").read_text())
FLOWS = {flow.title: flow for flow in recipe_flows(PROVIDER)}
VERBS = {title: verb for verb, title in PROVIDER.titles.items()}
# The documentation's words for a trigger, up to the first comma or semicolon, and ours.
TRIGGERS = {
    "function call": ("function", "called by others"),
    "schedule, every 5 minutes": ("start", "every 5 minutes"),
    "schedule, daily 02:00 Pacific Time": ("start", "daily 02:00 America/Los_Angeles"),
    "webhook from Docebo, real time": ("start", "webhook from Docebo"),
    "webhook from Credly, real time": ("start", "webhook from Credly"),
    "manual run": ("manual", "by hand"),
    "manual run (as a test)": ("manual", "by hand"),
}


def targets(flow: FlowSpec) -> list[Any]:
    found = [flow.read, flow.plan, flow.apply, flow.look, flow.parts, flow.prepare, flow.function]
    return [target.target if isinstance(target, Bound) else target for target in found if target]


@pytest.mark.req("GN-01", "CR-05")
def test_the_titles_are_those_of_the_documentation() -> None:
    assert set(FLOWS) == set(FACTS)
    assert len(FLOWS) == len(PROVIDER.titles) == len(RECIPES) == 35
    assert {flow.name for flow in FLOWS.values()} == {f"credly.{verb}" for verb in PROVIDER.titles}


@pytest.mark.req("GN-01", "GN-02")
@pytest.mark.parametrize("title", FACTS)
def test_a_recipe_has_the_policy_trigger_and_callees_of_its_documentation(title: str) -> None:
    facts, flow = FACTS[title], FLOWS[title]
    words = facts["trigger"].partition(";")[0]
    assert (flow.policy, flow.trigger) == TRIGGERS[words]
    assert set(flow.calls) == set(facts["calls"])
    assert len(flow.calls) == len(set(flow.calls))


@pytest.mark.req("GN-01")
@pytest.mark.parametrize("title", FACTS)
def test_a_recipe_says_what_goes_in_and_what_comes_out(title: str) -> None:
    flow = FLOWS[title]
    assert set(flow.types) == set(flow.params) >= set(flow.needs)
    assert flow.gives
    texts = [flow.summary, flow.trigger, *flow.gives]
    assert not any(name for text in texts for _, name, _, _ in string.Formatter().parse(text))
    assert set(flow.uses) <= {"docebo", "credly"}


@pytest.mark.parametrize("title", FACTS)
def test_everything_that_runs_a_recipe_is_there(title: str) -> None:
    for target in targets(FLOWS[title]):
        assert callable(resolve(target, "connectctl")), target


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: str(recipe.verb))
def test_a_recipe_whose_function_is_missing_names_it(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = replace(recipe, function="connectctl.badging.nowhere:nothing")
    monkeypatch.setattr("connectctl.badging.flows.RECIPES", (missing,))
    (flow,) = recipe_flows(PROVIDER)
    gone = [target for target in targets(flow) if "nowhere" in str(target)]
    assert gone
    with pytest.raises(ContractBroken, match="nowhere"):
        resolve(gone[0], "connectctl")


@pytest.mark.req("CR-05")
def test_the_start_list_is_in_the_order_of_its_source() -> None:
    order = json.loads((DATA / "start_order.json").read_text())
    assert [PROVIDER.titles[verb] for verb in PROVIDER.start_order[: len(order)]] == order
    rest = ["dispatch-provider", "dispatch-docebo"]
    assert list(PROVIDER.start_order[len(order) :]) == rest
    assert set(PROVIDER.titles) - set(PROVIDER.start_order) == {"batch-sync", "batch-sync-inwards"}


@pytest.mark.req("GN-01")
def test_nothing_calls_what_the_provider_has_not() -> None:
    titles = {title for flow in FLOWS.values() for title in flow.calls}
    entries = {title for title in FLOWS if FLOWS[title].policy != "function"}
    assert titles <= set(FLOWS)
    assert entries | titles == set(FLOWS), "a function that nobody calls"


def test_a_provider_without_a_title_has_not_the_recipe() -> None:
    few = replace(PROVIDER, titles={"sync-templates": "Templates"}, calls={})
    assert [flow.name for flow in recipe_flows(few)] == ["credly.sync-templates"]


def test_the_page_names_every_recipe_with_its_flow() -> None:
    page = (Path(__file__).parents[2] / "docs" / "credly.md").read_text()
    for title, flow in FLOWS.items():
        assert f"| {title} | `{flow.name}` | `{command(flow)}` |" in page


def command(flow: FlowSpec) -> str:
    """What to type for a flow, without its options."""
    own = {
        "batch-sync": "batch-sync",
        "batch-sync-inwards": "batch-sync --direction inwards",
        "sync-templates": "sync-templates",
        "sync-field": "sync-field",
    }
    verb = flow.name.removeprefix("credly.")
    if verb in own:
        return f"connectctl credly {own[verb]}"
    return " ".join(("connectctl flow run", flow.name, *(f"--param {name}=…" for name in flow.needs)))
