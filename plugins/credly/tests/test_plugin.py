"""What the credly plugin declares: it resolves, fits the API, and imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from connectctl.plugins.manager import Plugins
from connectctl_credly import plugin
from connectctl_credly.plugin import PROVIDER


@pytest.fixture
def plugins() -> Plugins:
    return Plugins.from_modules({"credly": plugin})


def test_nothing_is_wrong_with_it(plugins: Plugins) -> None:
    assert plugins.faults == ()
    assert sorted(plugins.flows) == [
        "credly.batch-sync",
        "credly.batch-sync-inwards",
        "credly.sync-field",
        "credly.sync-templates",
    ]


def test_every_target_resolves(plugins: Plugins) -> None:
    connection = plugins.connection("credly")
    targets = [connection.client, connection.test, plugins.commands.find("credly").target]
    for flow in plugins.flows.values():
        targets += [flow.read, flow.plan, flow.apply, flow.look, flow.parts, flow.prepare]
    for target in targets:
        assert target is None or callable(plugins.resolve(target))
    group = plugins.resolve(plugins.commands.find("credly").target)
    assert isinstance(group, click.Group)
    assert sorted(group.commands) == ["batch-sync", "sync-field", "sync-templates"]


@pytest.mark.req("CR-23", "CR-24", "CR-26")
def test_flows_carry_the_recipes_exact_names(plugins: Plugins) -> None:
    assert {flow.name: (flow.title, flow.policy) for flow in plugins.flows.values()} == {
        "credly.sync-templates": ("Synchronisation from Credly to Lookup table", "start"),
        "credly.sync-field": ("Synchronisation from Credly Lookup table to Docebo LMS", "start"),
        "credly.batch-sync": ("Batch Sync - Docebo to Credly", "manual"),
        "credly.batch-sync-inwards": ("Batch Sync - Credly to Docebo", "manual"),
    }


@pytest.mark.req("CR-14", "CR-15", "CR-16")
def test_tables_have_the_recipes_columns_in_order(plugins: Plugins) -> None:
    def columns(name: str) -> list[tuple[str, str]]:
        return [(column.name, column.type) for column in plugins.table(name).columns]

    assert columns("Credly Badge Templates") == [
        ("Badge Template ID", "text"),
        ("Badge Template Name", "text"),
        ("IsActive", "boolean"),
        ("Dropdown Element ID", "integer"),
    ]
    assert columns("credly-integration-mappings") == [
        ("Badge Template ID", "text"),
        ("Badge Template Name", "text"),
        ("Learning Plan ID", "text"),
        ("Import As External Training", "boolean"),
        ("Certification Code", "text"),
        ("IsActive", "boolean"),
    ]
    assert plugins.table("credly-integration-mappings").key == (
        "Badge Template ID",
        "Learning Plan ID",
        "Certification Code",
    )


@pytest.mark.req("CR-06", "CR-07", "CR-08", "CR-09", "CR-10", "CR-11", "CR-12", "CR-13", "CR-77")
def test_settings_are_the_recipes_with_their_defaults() -> None:
    assert {setting.name: (setting.kind, setting.default) for setting in PROVIDER.settings} == {
        "BATCH_SYNC_START_DATE": ("date", None),
        "NOTIFICATION_MAIL_ID": ("email", None),
        "SYNC_REVOCATION": ("boolean", True),
        "CREDLY_DEFAULT_EXPIRATION_DAYS": ("integer", None),
        "EXTERNAL_TRAINING_INSTITUTE_NAME": ("text", None),
        "COURSE_ADDITIONAL_FIELD": ("text", None),
        "CREDLY_INTEGRATION_MASTER": ("choice", None),
        "EVIDENCE_TITLE": ("text", "connectctl flow"),
        "NEGATIVE_SYNC": ("choice", None),
    }
    assert set(PROVIDER.keys.values()) <= {setting.name for setting in PROVIDER.settings}


def test_declaring_imports_nothing_heavy() -> None:
    code = (
        "import sys, connectctl_credly.plugin as p; list(p.register_providers());"
        "print([m for m in ('requests', 'click', 'tinydb', 'sqlite3', 'connectctl_credly.client') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
