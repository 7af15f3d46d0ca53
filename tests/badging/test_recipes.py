"""The recipes of the providers against the facts of their documentation: titles, policies, triggers, who calls whom."""

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
from connectctl_accredible.plugin import PROVIDER as ACCREDIBLE
from connectctl_credly.plugin import PROVIDER as CREDLY

DATA = Path(__file__).parent / "data"
PROVIDERS = {spec.name: spec for spec in (CREDLY, ACCREDIBLE)}
FACTS: dict[str, dict[str, dict[str, Any]]] = {
    "credly": json.loads((DATA / "appendix_b.json").read_text()),
    "accredible": json.loads((DATA / "appendix_b_accredible.json").read_text()),
}
FLOWS = {name: {flow.title: flow for flow in recipe_flows(spec)} for name, spec in PROVIDERS.items()}
RECIPES_OF = [(name, title) for name, facts in FACTS.items() for title in facts]
# The documentation's words for a trigger, up to the first comma or semicolon, and ours.
TRIGGERS = {
    "function call": ("function", "called by others"),
    "schedule, every 5 minutes": ("start", "every 5 minutes"),
    "schedule, daily 02:00 Pacific Time": ("start", "daily 02:00 America/Los_Angeles"),
    "webhook from Docebo, real time": ("start", "webhook from Docebo"),
    "webhook from Credly, real time": ("start", "webhook from Credly"),
    "manual run": ("manual", "by hand"),
    "manual run (as a test)": ("manual", "by hand"),
    "webhook from Docebo": ("start", "webhook from Docebo"),
    "schedule, daily 01:00 (no zone given)": ("start", "daily 01:00 America/Los_Angeles"),
    "manual run; if started it fires every 5 minutes": ("manual", "by hand"),
    "function call; also offered as a manual run": ("manual", "by hand"),
    "schedule, daily 02:00 Pacific Time; recommended to be run by hand for immediate effect": (
        "start",
        "daily 02:00 America/Los_Angeles",
    ),
    "schedule, every 5 minutes; also callable": ("start", "every 5 minutes"),
    "schedule, every 5 minutes; may be run by hand": ("start", "every 5 minutes"),
}


def targets(flow: FlowSpec) -> list[Any]:
    found = [flow.read, flow.plan, flow.apply, flow.look, flow.parts, flow.prepare, flow.function]
    return [target.target if isinstance(target, Bound) else target for target in found if target]


@pytest.mark.req("GN-01", "CR-05", "AC-21")
@pytest.mark.parametrize(("name", "count"), [("credly", 35), ("accredible", 30)])
def test_the_titles_are_those_of_the_documentation(name: str, count: int) -> None:
    flows, titles = FLOWS[name], PROVIDERS[name].titles
    assert set(flows) == set(FACTS[name])
    assert len(flows) == len(set(titles.values())) == count
    verbs = [next(verb for verb, own in titles.items() if own == title) for title in flows]
    assert {flow.name for flow in flows.values()} == {f"{name}.{verb}" for verb in verbs}


@pytest.mark.req("GN-01", "GN-02")
@pytest.mark.parametrize(("name", "title"), RECIPES_OF)
def test_a_recipe_has_the_policy_trigger_and_callees_of_its_documentation(name: str, title: str) -> None:
    facts, flow = FACTS[name][title], FLOWS[name][title]
    words = facts["trigger"]
    assert (flow.policy, flow.trigger) == TRIGGERS.get(words) or TRIGGERS[words.partition(";")[0]]
    assert set(flow.calls) == set(facts["calls"])
    assert len(flow.calls) == len(set(flow.calls))


@pytest.mark.req("GN-01")
@pytest.mark.parametrize(("name", "title"), RECIPES_OF)
def test_a_recipe_says_what_goes_in_and_what_comes_out(name: str, title: str) -> None:
    flow = FLOWS[name][title]
    assert set(flow.types) == set(flow.params) >= set(flow.needs)
    assert flow.gives
    texts = [flow.summary, flow.trigger, *flow.gives]
    assert not any(field for text in texts for _, field, _, _ in string.Formatter().parse(text))
    assert set(flow.uses) <= {"docebo", name}


@pytest.mark.parametrize(("name", "title"), RECIPES_OF)
def test_everything_that_runs_a_recipe_is_there(name: str, title: str) -> None:
    for target in targets(FLOWS[name][title]):
        assert callable(resolve(target, "connectctl")), target


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: str(recipe.verb))
def test_a_recipe_whose_function_is_missing_names_it(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = replace(recipe, function="connectctl.badging.nowhere:nothing")
    monkeypatch.setattr("connectctl.badging.flows.RECIPES", (missing,))
    provider = next(spec for spec in PROVIDERS.values() if recipe.verb in spec.titles)
    (flow,) = recipe_flows(provider)
    gone = [target for target in targets(flow) if "nowhere" in str(target)]
    assert gone
    with pytest.raises(ContractBroken, match="nowhere"):
        resolve(gone[0], "connectctl")


@pytest.mark.req("CR-05")
def test_the_start_list_is_in_the_order_of_its_source() -> None:
    order = json.loads((DATA / "start_order.json").read_text())
    assert [CREDLY.titles[verb] for verb in CREDLY.start_order[: len(order)]] == order
    rest = ["dispatch-provider", "dispatch-docebo"]
    assert list(CREDLY.start_order[len(order) :]) == rest
    assert set(CREDLY.titles) - set(CREDLY.start_order) == {"batch-sync", "batch-sync-inwards"}


@pytest.mark.req("GN-01")
@pytest.mark.parametrize("name", PROVIDERS)
def test_nothing_calls_what_the_provider_has_not(name: str) -> None:
    flows = FLOWS[name]
    titles = {title for flow in flows.values() for title in flow.calls}
    entries = {title for title in flows if flows[title].policy != "function"}
    assert titles <= set(flows)
    assert entries | titles == set(flows), "a function that nobody calls"


def test_a_provider_without_a_title_has_not_the_recipe() -> None:
    few = replace(CREDLY, titles={"sync-templates": "Templates"}, calls={})
    assert [flow.name for flow in recipe_flows(few)] == ["credly.sync-templates"]


@pytest.mark.parametrize("name", ["credly", "accredible"])
def test_the_page_names_every_recipe_with_its_flow(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / f"{name}.md").read_text()
    assert FLOWS[name]
    for title, flow in FLOWS[name].items():
        assert f"| {title} | `{flow.name}` | `{command(flow)}` |" in page


def command(flow: FlowSpec) -> str:
    """What to type for a flow, without its options."""
    provider, _, verb = flow.name.partition(".")
    own = {
        "batch-sync": "batch-sync",
        "batch-sync-inwards": "batch-sync --direction inwards",
        "sync-templates": f"sync-{PROVIDERS[provider].noun}s",
        "sync-field": "sync-field",
    }
    if verb in own:
        return f"connectctl {provider} {own[verb]}"
    return " ".join(("connectctl flow run", flow.name, *(f"--param {name}=…" for name in flow.needs)))
