"""What the accredible plugin declares: it resolves, fits the API and the recipes, and imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from connectctl.plugins.manager import Plugins
from connectctl_accredible import plugin
from connectctl_accredible.plugin import CONNECTION, GROUPS, MAPPINGS, PROVIDER
from connectctl_accredible.recipes import CALLS, START_ORDER, TITLES
from connectctl_accredible.settings import SETTINGS

# recipes.md, Appendix B; the sync that is called twice by its two callers stands once.
GRAPH: dict[str, list[str]] = {
    "Retrieve course additional field from Docebo LMS": [],
    "Integration master flow check": [],
    "Synchronisation from Accredible to Lookup table": [
        "Entries deletion and mapping deactivation notice",
        "Synchronisation from Accredible Lookup table to Docebo LMS",
    ],
    "Synchronisation from Accredible Lookup table to Docebo LMS": ["Retrieve course additional field from Docebo LMS"],
    "Schedule/Manually run Accredible lookup table to Docebo LMS sync": [
        "Synchronisation from Accredible Lookup table to Docebo LMS"
    ],
    "Entries deletion and mapping deactivation notice": [],
    "Event Dispatcher - Docebo to Accredible": [
        "Retrieve lookup table values",
        "Integration master flow check",
        "Assign Accredible credential for Course Additional Field element",
        "Assign Accredible credentials for Learning Plans",
        "Process Certifications",
    ],
    "Batch Sync - Docebo to Accredible": [
        "Retrieve lookup table values",
        "Integration master flow check",
        "Assign Accredible credential for Course Additional Field element",
        "Assign Accredible credentials for Learning Plans",
        "Retrieve Certification Awards",
    ],
    "Create/Update credentials in Accredible": [],
    "Assign Accredible credential for Course Additional Field element": [
        "Retrieve course additional field from Docebo LMS",
        "Retrieve enrolled users by course ID",
        "Assign Accredible credentials to users",
    ],
    "Assign Accredible credentials for Learning Plans": [
        "Retrieve Learning Plan from Course",
        "Filter learning plans retrieved from course",
        "Retrieve enrolled users by course ID",
        "Assign Accredible credentials to users",
    ],
    "Retrieve Certification Awards": ["Process Certifications"],
    "Retrieve enrolled users by course ID": [],
    "Retrieve Learning Plan from Course": [],
    "Filter learning plans retrieved from course": [],
    "Assign Accredible credentials to users": [
        "Retrieve Accredible groups ids for user completed LPs",
        "Filter unassigned credentials",
        "Create/Update credentials in Accredible",
    ],
    "Retrieve Accredible groups ids for user completed LPs": [],
    "Filter unassigned credentials": [],
    "Process Certifications": ["Filter unassigned credentials", "Create/Update credentials in Accredible"],
    "Event Dispatcher - Accredible to Docebo": [
        "Retrieve lookup table values",
        "Integration master flow check",
        "Process Accredible to Docebo flow",
    ],
    "Batch Sync - Accredible to Docebo": [
        "Retrieve lookup table values",
        "Integration master flow check",
        "Process Accredible to Docebo flow",
    ],
    "Process Accredible to Docebo flow": ["Retrieve Credentials from Accredible"],
    "Retrieve lookup table values": [],
    "Retrieve Credentials from Accredible": ["Process credentials"],
    "Process credentials": [
        "Retrieve user details from Docebo LMS using user mail id",
        "Check if credential not issued through Docebo to Accredible Sync",
        "Create/Update external training for user",
        "Create/Update Certifications for user",
    ],
    "Retrieve user details from Docebo LMS using user mail id": [],
    "Check if credential not issued through Docebo to Accredible Sync": [],
    "Create/Update external training for user": [],
    "Create/Update Certifications for user": ["Check certification awards existence"],
    "Check certification awards existence": [],
}


@pytest.fixture
def plugins() -> Plugins:
    return Plugins.from_modules({"accredible": plugin})


def test_nothing_is_wrong_with_it(plugins: Plugins) -> None:
    assert plugins.faults == ()
    connection = plugins.connection("accredible")
    for target in (connection.client, connection.test):
        assert target is not None
        assert callable(plugins.resolve(target))
    assert isinstance(plugins.resolve("connectctl_accredible.commands:accredible"), click.Group)


@pytest.mark.req("AC-04")
def test_the_connection_takes_location_environment_and_key() -> None:
    settings = {setting.name: setting for setting in CONNECTION.settings}
    assert settings["environment"].choices == ("production", "eu", "sandbox")
    assert (settings["api_key"].required, settings["api_key"].secret) == (True, True)
    assert (CONNECTION.rate, CONNECTION.threads) == ("195/30s", 8)


@pytest.mark.req("AC-21", "AC-22", "AC-23", "AC-24", "AC-25", "AC-26", "AC-27", "AC-28", "AC-29", "AC-30", "AC-31")
@pytest.mark.req("AC-32", "AC-33", "AC-34", "AC-35", "AC-36", "AC-37", "AC-38", "AC-39", "AC-40", "AC-41", "AC-42")
@pytest.mark.req("AC-43", "AC-44", "AC-45", "AC-46", "AC-47", "AC-48", "AC-49", "AC-50")
def test_the_30_recipes_call_one_another_as_in_the_recipes() -> None:
    assert len(GRAPH) == 30
    assert set(CALLS) <= set(TITLES)
    graph = {title: set[str]() for title in TITLES.values()}
    for verb in CALLS:
        graph[TITLES[verb]] |= set(PROVIDER.callees(verb))
    assert graph == {title: set(callees) for title, callees in GRAPH.items()}


@pytest.mark.req("AC-05", "AC-06", "AC-07")
def test_what_is_started_is_started_in_order_and_the_batches_never() -> None:
    assert set(START_ORDER) <= set(TITLES)
    assert not {"batch-sync", "batch-sync-inwards"} & set(START_ORDER)


@pytest.mark.req("AC-19", "AC-69")
def test_the_groups_table_has_the_recipes_columns_in_order() -> None:
    assert GROUPS.title == "Accredible Credential Groups"
    assert [(column.name, column.type) for column in GROUPS.columns] == [
        ("Accredible Group ID", "text"),
        ("Accredible Group Name (Identifier)", "text"),
        ("IsActive", "boolean"),
        ("Dropdown Element ID", "integer"),
        ("Learning Plan Dropdown Element ID", "integer"),
    ]
    assert not GROUPS.editable


@pytest.mark.req("AC-20")
def test_the_mapping_table_has_the_recipes_columns_in_order() -> None:
    assert MAPPINGS.title == "Accredible Integration Mappings"
    assert [(column.name, column.type) for column in MAPPINGS.columns] == [
        ("Credential Group ID", "text"),
        ("Credential Group Name (Identifier)", "text"),
        ("Learning Plan ID", "text"),
        ("Import As External Training", "boolean"),
        ("Certification Code", "text"),
        ("IsActive", "boolean"),
    ]
    assert MAPPINGS.key == ("Credential Group ID", "Learning Plan ID", "Certification Code")


@pytest.mark.req("AC-08", "AC-09", "AC-10", "AC-11", "AC-12", "AC-13", "AC-14", "AC-15", "AC-16", "AC-17", "AC-18")
@pytest.mark.req("AC-66", "AC-67")
def test_settings_are_the_recipes_with_their_defaults() -> None:
    assert {setting.name: (setting.kind, setting.default, setting.choices) for setting in SETTINGS} == {
        "EXTERNAL_TRAINING_INSTITUTE_NAME": ("text", None, ()),
        "ACCREDIBLE_DEFAULT_EXPIRATION_DAYS": ("integer", None, ()),
        "ACCREDIBLE_TO_DOCEBO_BATCH_SYNC_START_DATE": ("date", None, ()),
        "DOCEBO_TO_ACCREDIBLE_BATCH_SYNC_START_DATE": ("date", None, ()),
        "COURSE_ADDITIONAL_FIELD": ("text", None, ()),
        "NOTIFICATION_MAIL_ID": ("email", None, ()),
        "ACCREDIBLE_INTEGRATION_MASTER": ("choice", None, ("DOCEBO", "ACCREDIBLE")),
        "SYNC_REVOCATION": ("boolean", True, ()),
        "BATCH_OVERWRITE_BEHAVIOUR": ("choice", "SKIP", ("SKIP", "OVERWRITE", "CREATE_NEW")),
        "REAL_TIME_OVERWRITE_BEHAVIOUR": ("choice", "SKIP", ("SKIP", "OVERWRITE", "CREATE_NEW")),
        "LEARNING_PLAN_ADDITIONAL_FIELD": ("text", None, ()),
        "NEGATIVE_SYNC": ("choice", None, ("ENABLED", "DISABLED")),
    }
    assert set(PROVIDER.keys.values()) <= {setting.name for setting in SETTINGS}


@pytest.mark.req("AC-66")
def test_every_value_of_a_setting_is_explained_in_a_sentence() -> None:
    examples = {"date": ["2026-01-01"], "integer": ["0", "1", "365"], "boolean": ["true", "false"]}
    for setting in SETTINGS:
        assert setting.explain is not None
        values = [*setting.choices, *map(str.lower, setting.choices)] or examples.get(setting.kind, ["Somebody"])
        said = {value: setting.explain(value) for value in (None, *values)}
        assert all(words[0].isupper() and words.endswith(".") for words in said.values())
    revocation = {setting.name: setting for setting in SETTINGS}["SYNC_REVOCATION"].explain
    assert revocation is not None
    assert "leaves the credential" in revocation("true")
    assert "lets the credential expire" in revocation("false")


def test_declaring_imports_nothing_heavy() -> None:
    code = (
        "import sys, connectctl_accredible.plugin as p; list(p.register_connections());"
        "print([m for m in ('requests', 'click', 'sqlite3', 'connectctl_accredible.client') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
