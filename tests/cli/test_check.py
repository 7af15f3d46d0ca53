"""`lookup check`: whatever is wrong is found, and every fix that it prints runs and mends it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from connectctl.api import CheckSpec, ColumnSpec, Finding, RemoteDown, TableSpec, hookimpl
from connectctl.plugins.manager import Plugins
from connectctl.store import open_store
from connectctl.testing.fake_api import FakeAPI
from connectctl_credly import plugin as credly
from connectctl_sandbox import Sandbox

Run = Callable[..., Any]
SET = ("lookup", "set", "integration-settings", "CREDLY", "COURSE_ADDITIONAL_FIELD")
TEMPLATES, MAPPINGS, SETTINGS = "credly-badge-templates", "credly-integration-mappings", "integration-settings"
COLUMNS = {
    TEMPLATES: ("Badge Template ID", "Badge Template Name", "IsActive", "Dropdown Element ID"),
    MAPPINGS: (
        "Badge Template ID",
        "Badge Template Name",
        "Learning Plan ID",
        "Import As External Training",
        "Certification Code",
        "IsActive",
    ),
    SETTINGS: ("Integration", "Key", "Value"),
}


@pytest.fixture
def check(run: Run) -> Run:
    """Any command, with the credly plugin alone; its findings when it is `check(...)` without a command's name."""

    def call(*args: str, **options: Any) -> Any:
        return run(*args, **{"plugins": {"credly": credly}, **options})

    return call


def findings(check: Run, *args: str) -> list[dict[str, Any]]:
    result = check("lookup", "check", "--json", *args)
    assert result.code in (0, 3), result.err
    found: list[dict[str, Any]] = json.loads(result.out)
    assert result.code == (3 if any(finding["severity"] == "error" for finding in found) else 0)
    return found


def put(home: Path, table: str, *rows: tuple[object, ...]) -> None:
    """Rows as they are, without a look at their types: as an older version or a remote left them."""
    home.mkdir(exist_ok=True)
    store = open_store("sqlite:///store.db", home)
    spec = Plugins.from_modules({"credly": credly}).table(table)
    try:
        store.table(spec).insert_multiple([dict(zip(COLUMNS[table], row, strict=True)) for row in rows])
    finally:
        store.close()


@pytest.fixture
def sound(home: Path) -> None:
    """Nothing is wrong."""
    put(home, TEMPLATES, ("t1", "Safety", True, 1), ("t2", "It's $HOME `date` \\ \"x\"", True, 2), ("t3", "Old", False, None))  # fmt: skip # noqa: E501
    put(
        home,
        SETTINGS,
        ("CREDLY", "COURSE_ADDITIONAL_FIELD", "Badge"),
        ("CREDLY", "SYNC_REVOCATION", "true"),
        ("CREDLY", "BATCH_SYNC_START_DATE", "2026-01-01"),
    )


@pytest.mark.usefixtures("sound")
def test_nothing_wrong(check: Run, home: Path) -> None:
    put(home, MAPPINGS, ("t1", "Safety", "12", False, None, True))
    result = check("lookup", "check", "--offline")
    assert (result.code, result.out, result.err) == (0, "", "Nothing is wrong with 4 tables\n")
    assert findings(check, "--offline") == []
    assert "Credly Integration Mappings" in check("lookup", "check", "credly integration MAPPINGS", "--offline").err


@pytest.mark.req("CR-11", "CR-77")
def test_who_begins_is_told_what_is_missing(check: Run) -> None:
    result = check("lookup", "check")
    assert result.code == 3
    lines = result.out.splitlines()
    assert lines[0] == SETTINGS
    assert "  error    CREDLY COURSE_ADDITIONAL_FIELD: has no value" in result.out
    fix = f"connectctl lookup set {SETTINGS} CREDLY COURSE_ADDITIONAL_FIELD 'Value=Credly badge'"
    assert f"           Fix: {fix}" in lines
    assert result.err.endswith(f"Error: lookup check found 1 error and 2 warnings in 4 tables\nHint: {fix}\n")


@pytest.mark.usefixtures("sound")
@pytest.mark.req("CR-09", "CR-15", "CR-16", "CR-17", "CR-77", "GN-08", "GN-09", "GN-10")
@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (MAPPINGS, [("t1", "Wrong", "12", False, None, True)]),
        (MAPPINGS, [("t2", "Wrong", "12", False, None, True)]),
        (MAPPINGS, [("T1", None, "12", None, None, True)]),
        (MAPPINGS, [("T1", None, "12", None, None, True), ("t1", None, "12", None, None, True)]),
        (MAPPINGS, [("zz", "a;b|c", "12", None, None, True)]),
        (MAPPINGS, [("t3", None, "12", None, None, True)]),
        (MAPPINGS, [("t1", None, None, False, None, True)]),
        (MAPPINGS, [("t1", None, "12", None, None, False)]),
        (MAPPINGS, [("t1", None, 12, "true", None, True)]),
        (MAPPINGS, [("t1", None, "12", "maybe", None, None)]),
        (MAPPINGS, [(" t1", None, "12", None, None, True)]),
        (MAPPINGS, [("-", "-x", "#1", None, "a=b", True)]),
        (MAPPINGS, [("t1", None, "1", True, None, True), ("t1", None, None, True, None, True)]),
        (SETTINGS, [("CREDLY", "NEGATIVE_SYNC", "enabled")]),
        (SETTINGS, [("CREDLY", "CREDLY_DEFAULT_EXPIRATION_DAYS", "-1")]),
        (SETTINGS, [("CREDLY", "CREDLY_INTEGRATION_MASTER", "Docebo!")]),
        (SETTINGS, [("Credly", "EVIDENCE_TITEL", "Why; rm -rf /")]),
        (SETTINGS, [(" CREDLY", "SYNC_REVOCATION", "x")]),
        (SETTINGS, [("$(date)", "`x`", "x"), (None, "x", None)]),
    ],
)
def test_every_fix_runs_as_printed_and_mends_what_it_is_for(
    check: Run, home: Path, table: str, rows: list[tuple[object, ...]]
) -> None:
    put(home, table, *rows)
    before = findings(check, "--offline")
    assert before
    for _ in range(5):
        printed = [line for line in check("lookup", "check", "--offline").out.splitlines() if "Fix: " in line]
        fixes = [line.split("Fix: ", 1)[1] for line in printed]
        if not fixes:
            break
        words = shlex.split(fixes[0])
        assert words[0] == "connectctl"
        result = check(*words[1:])
        assert result.code == 0, (fixes[0], result.err)
        left = findings(check, "--offline")
        assert [finding["message"] for finding in left] != [finding["message"] for finding in before]
        before = left
    assert findings(check, "--offline") == []


@pytest.mark.usefixtures("sound")
def test_a_finding_as_json(check: Run, home: Path) -> None:
    put(home, MAPPINGS, ("t1", "Wrong", "12", False, None, True))
    (finding,) = findings(check, MAPPINGS)
    assert finding == {
        "severity": "warning",
        "table": MAPPINGS,
        "row": 1,
        "key": ["t1", "12", ""],
        "column": "Badge Template Name",
        "message": "Badge Template Name 'Wrong' is 'Safety' in Credly Badge Templates; the id counts",
        "fix": f"connectctl lookup set {MAPPINGS} '#1' 'Badge Template Name=Safety'",
    }


@pytest.mark.usefixtures("sound")
def test_rows_with_the_same_finding_share_a_line(check: Run, home: Path) -> None:
    put(home, TEMPLATES, *((f"n{number}", f"New {number}", True, None) for number in range(7)))
    out = check("lookup", "check", TEMPLATES).out
    assert out.splitlines() == [
        "Credly Badge Templates",
        "  warning  #4 n0, #5 n1, #6 n2 and 4 more: has no Dropdown Element ID yet",
        "           Fix: connectctl credly sync-field",
    ]
    assert len(findings(check, TEMPLATES)) == 7


@pytest.mark.usefixtures("sound")
def test_a_long_list_is_cut_for_people(check: Run, home: Path) -> None:
    put(home, MAPPINGS, *((f"x{number}", None, "1", None, None, True) for number in range(60)))
    assert "and 10 more; --json lists them all" in check("lookup", "check", MAPPINGS, "--offline").out
    assert len(findings(check, MAPPINGS, "--offline")) == 60


def test_a_fix_works_in_the_same_profile(check: Run, tmp_path: Path) -> None:
    config = tmp_path / "my config.toml"
    config.write_text("")
    result = check("--profile", "test", "--config", str(config), "lookup", "check")
    assert f"Fix: connectctl --profile test --config '{config}' lookup set" in result.out
    fix = next(line for line in result.out.splitlines() if "COURSE_ADDITIONAL_FIELD 'Value" in line)
    assert check(*shlex.split(fix.split("Fix: ")[1])[1:]).code == 0
    assert "COURSE_ADDITIONAL_FIELD" not in check("--profile", "test", "--config", str(config), "lookup", "check").out
    assert "COURSE_ADDITIONAL_FIELD" in check("lookup", "check").out


@pytest.mark.usefixtures("sound")
def test_nothing_that_is_printed_steers_a_terminal(check: Run, home: Path) -> None:
    put(home, MAPPINGS, ("\x1b[2J\u202ex", "\x1b]0;t\x07", "12", None, None, True))
    put(home, TEMPLATES, ("t9", "Red \x1b[31m", True, 3))
    put(home, MAPPINGS, ("t9", "x", "12", None, None, True))
    for args in ((), ("--json",)):
        result = check("lookup", "check", "--offline", *args)
        assert result.code == 3
        assert not set(result.out + result.err) & set("\x1b\x07\u202e")


# --- remotes


@pytest.fixture
def box(home: Path) -> Iterator[Sandbox]:
    home.mkdir(exist_ok=True)
    with Sandbox(seed=1) as made:
        config = home / "config.toml"
        config.touch(0o600)
        config.write_text(made.config_toml())
        yield made


@pytest.mark.usefixtures("sound")
@pytest.mark.req("CR-15")
def test_learning_plans_are_looked_up_in_docebo_page_by_page(check: Run, home: Path, box: Sandbox) -> None:
    plans = list(box.docebo.plans.values())
    rows = [("t1", None, str(plan.plan_id), None, None, True) for plan in plans]
    rows += [("t2", None, plans[0].code, None, None, True), ("t1", None, plans[1].code, None, None, True)]
    rows += [("t2", None, "999999", None, None, True), ("t1", None, "888888", None, None, False)]
    put(home, MAPPINGS, *rows)
    found = [finding for finding in findings(check, MAPPINGS) if finding["severity"] == "error"]
    assert [(finding["message"], finding["fix"].split(MAPPINGS)[1]) for finding in found] == [
        (
            f"Docebo has no learning plan '{plans[0].code}'; it is the code of the plan {plans[0].plan_id}",
            f" '#{len(plans) + 1}' 'Learning Plan ID={plans[0].plan_id}'",
        ),
        (
            f"Docebo has no learning plan '{plans[1].code}'; it is the code of the plan {plans[1].plan_id}, "
            "which has a row",
            f" '#{len(plans) + 2}'",
        ),
        ("Docebo has no learning plan '999999'", f" '#{len(plans) + 3}' IsActive=false"),
    ]
    asked = [entry for entry in box.log.entries if "learningplan" in entry.path]
    assert len(asked) == 1  # whole pages, whatever the number of rows
    assert {entry.method for entry in box.log.entries if "oauth" not in entry.path} == {"GET"}
    for finding in found:
        assert check(*shlex.split(finding["fix"])[1:]).code == 0
    assert [finding for finding in findings(check, MAPPINGS) if finding["severity"] == "error"] == []


TOKEN = {"access_token": "a" * 40, "expires_in": 3600, "token_type": "Bearer"}
CERTIFICATIONS = [
    {"id_cert": 7, "code": "SEC", "title": "Security"},
    {"id_cert": 8, "code": "Safe", "title": "Safety"},
    {"id_cert": 9, "code": "TWICE", "title": "One"},
    {"id_cert": 10, "code": "TWICE", "title": "Another"},
    {"id_cert": 11, "code": "", "title": "Without a code"},
]


@pytest.mark.usefixtures("sound")
@pytest.mark.req("CR-15")
@pytest.mark.parametrize("rows", [CERTIFICATIONS, [*CERTIFICATIONS, {"code": "ODD"}]])
def test_certifications_are_looked_up_by_their_code(check: Run, home: Path, rows: list[dict[str, Any]]) -> None:
    codes = ["SEC", "safe", "GONE", "TWICE"]
    put(home, MAPPINGS, *[("t1", None, None, None, code, True) for code in codes])
    put(home, MAPPINGS, ("t2", None, None, None, "7", True), ("t2", None, None, None, "SEC", True))
    put(home, MAPPINGS, ("t2", None, None, None, "8", True), ("t2", None, None, None, "OFF", False))
    with FakeAPI() as api:
        api.on("POST", "/oauth2/token", json=TOKEN)
        api.on("GET", "/learn/v1/certification", json={"data": {"items": rows, "has_more_data": False}})
        config = home / "config.toml"
        config.touch(0o600)
        account = {"client_id": "x", "client_secret": "y", "username": "u", "password": "p", "rate": "none"}
        lines = [f'{name} = "{value}"' for name, value in {"base_url": api.url, **account}.items()]
        config.write_text("\n".join(["[connections.docebo]", *lines]))
        found = [finding for finding in findings(check, MAPPINGS) if finding["column"] == "Certification Code"]
        assert len(api.seen("GET", "/learn/v1/certification")) == 1  # whole pages, whatever the number of rows
        more = " among those that can be read" if len(rows) > len(CERTIFICATIONS) else ""
        none = "Docebo has no certification with the code"
        assert [(finding["message"], finding["fix"].split(MAPPINGS)[1]) for finding in found] == [
            (f"{none} 'safe'{more}; 'Safe' may be meant", " '#2' 'Certification Code=Safe'"),
            (f"{none} 'GONE'{more}", " '#3' IsActive=false"),
            (
                "Docebo has 2 certifications with the code 'TWICE' (ids 10, 9): give all but one another code there",
                "",
            ),
            (f"{none} '7'{more}; 'SEC' may be meant, which has a row", " '#5'"),
            (f"{none} '8'{more}; 'Safe' may be meant", " '#7' 'Certification Code=Safe'"),
        ]
        for finding in found:
            assert check(*shlex.split(finding["fix"])[1:]).code == 0
        left = [finding["message"] for finding in findings(check, MAPPINGS) if finding["severity"] == "error"]
        assert [message[:26] for message in left] == ["Docebo has 2 certification"]


@pytest.mark.usefixtures("sound")
def test_a_remote_is_asked_only_when_there_is_something_to_ask(check: Run, home: Path, box: Sandbox) -> None:
    assert findings(check, MAPPINGS) == []
    put(home, MAPPINGS, ("t1", None, "999999", None, None, True))
    assert findings(check, "--offline") == []
    assert len(box.log.entries) == 0
    assert [finding["message"] for finding in findings(check, MAPPINGS)] == ["Docebo has no learning plan '999999'"]


@pytest.mark.req("CR-18", "CR-53")
def test_table_and_dropdown_are_held_against_the_remotes(check: Run, home: Path, box: Sandbox) -> None:
    put(home, SETTINGS, ("CREDLY", "COURSE_ADDITIONAL_FIELD", "credly  Badge"), ("CREDLY", "SYNC_REVOCATION", "true"))
    put(home, SETTINGS, ("CREDLY", "BATCH_SYNC_START_DATE", "2026-01-01"))

    def messages() -> list[str]:
        return [finding["message"] for finding in findings(check)]

    assert messages() == ["Docebo has no course field 'credly  Badge' yet"]
    assert check("credly", "sync-templates").code == 0
    assert check(*SET, "Value=Credly badge").code == 0
    assert check("credly", "sync-field").code == 0
    (duplicate,) = messages()
    assert "already: rename one of the two there; until then this one is left out" in duplicate

    assert check(*SET, "Value=credly  Badge").code == 0
    (other,) = [finding for finding in findings(check) if finding["table"] == SETTINGS]
    assert other["message"] == "Docebo has no course field 'credly  Badge'; is 'Credly badge' meant?"
    assert check(*shlex.split(other["fix"])[1:]).code == 0
    first = next(iter(box.credly.templates.values()))
    box.credly.templates[first.id] = replace(first, name="Brand new")
    box.docebo.add_field("Room", type="textfield")
    assert check(*SET, "Value=Room").code == 0
    (other,) = [finding for finding in findings(check) if finding["table"] == SETTINGS]
    assert (other["severity"], "not a dropdown" in other["message"]) == ("error", True)
    assert any("is not what Credly has: 1 to update" in message for message in messages())
    assert check("credly", "sync-templates").code == 0
    assert not any("is not what Credly has" in message for message in messages())


@pytest.mark.usefixtures("sound")
def test_a_connection_that_is_not_configured_is_left_out_with_a_remark(check: Run, home: Path) -> None:
    put(home, MAPPINGS, ("t1", None, "999999", None, None, True))
    result = check("lookup", "check")
    assert result.code == 0
    assert "Not checked, as docebo is not configured: Learning plans that tables name exist in Docebo" in result.err


ACME = TableSpec("acme-ids", "Acme Ids", (ColumnSpec("Id", remote="acme-thing"),), ("Id",))


def acme(target: Any, uses: tuple[str, ...] = (), remote: str = "acme-thing") -> ModuleType:
    made: Any = ModuleType("acme")
    made.register_tables = hookimpl(lambda: [ACME])
    made.register_checks = hookimpl(lambda: [CheckSpec("acme-things", "Things exist at Acme", target, uses, remote)])
    return made  # type: ignore[no-any-return]


def test_a_plugin_asks_questions_of_its_own(run: Run) -> None:
    def things(ctx: Any) -> list[Finding]:
        assert [spec.name for spec in ctx.tables] == ["acme-ids"]
        assert ctx.timezone == "UTC"
        assert ctx.settings("ACME") == {"KEY": "v"}
        show = ("lookup", "show", "acme-ids")
        return [
            Finding("warning", f"{row['Id']} is odd", show, "acme-ids", row.doc_id, (row["Id"],), "Id")
            for row in ctx.table("Acme Ids")
        ]

    plugins = {"acme": acme(things)}
    run("lookup", "set", SETTINGS, "ACME", "KEY", "Value=v", plugins=plugins)
    run("lookup", "set", "acme-ids", "seven", plugins=plugins)
    result = run("lookup", "check", "acme-ids", plugins=plugins)
    assert result.code == 0
    assert "  warning  #1 seven: seven is odd\n           Fix: connectctl lookup show acme-ids" in result.out


def raising(error: BaseException) -> Callable[[Any], Any]:
    def check(ctx: Any) -> Any:
        raise error

    return check


@pytest.mark.parametrize(
    ("target", "uses", "words", "fix"),
    [
        (raising(RemoteDown("Acme cannot be reached.", connection="acme")), (), "Acme cannot be reached.",
         "connectctl plugin list"),
        (raising(ValueError("oops")), (), "The check acme-things of the plugin acme failed: ValueError: oops",
         "connectctl plugin list"),
        (raising(SystemExit(3)), (), "it called sys.exit", "connectctl plugin list"),
        ("no_such_module:things", (), "no_such_module", "connectctl plugin list"),
        (lambda ctx: ["text"], (), "it returned something else than findings", "connectctl plugin list"),
        (lambda ctx: ctx.client("docebo"), (), "uses the connection docebo without declaring it",
         "connectctl plugin list"),
    ],
)  # fmt: skip
def test_a_check_that_fails_is_one_finding(run: Run, target: Any, uses: tuple[str, ...], words: str, fix: str) -> None:
    plugins = {"acme": acme(target, uses)}
    result = run("lookup", "check", "acme-ids", "--json", plugins=plugins)
    (finding,) = json.loads(result.out)
    assert (result.code, finding["severity"], finding["table"], finding["fix"]) == (0, "warning", "acme-ids", fix)
    assert finding["message"].startswith("could not be checked: Things exist at Acme")
    assert words in finding["message"]


@pytest.mark.usefixtures("sound")
def test_a_remote_that_refuses_us_is_one_finding(
    check: Run, home: Path, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(home, MAPPINGS, *(("t1", None, str(number), None, None, True) for number in range(900, 950)))
    monkeypatch.setenv("CONNECTCTL_DOCEBO_PASSWORD", "wrong")
    (docebo,) = [finding for finding in findings(check) if "could not be checked" in finding["message"]]
    assert docebo["message"].startswith(
        "could not be checked: Learning plans that tables name exist in Docebo; "
        "Certifications that tables name exist in Docebo; "
        "CREDLY COURSE_ADDITIONAL_FIELD names a dropdown in Docebo. Docebo"
    )
    assert (docebo["severity"], docebo["fix"]) == ("warning", "connectctl connection test docebo")
    assert len([entry for entry in box.log.entries if "oauth2" in entry.path]) == 1


def test_a_remote_that_is_down_is_tried_once_for_all_checks(
    run: Run, acme_client: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.cli.conftest import ACME as CONNECTION

    asked: list[str] = []

    def check(name: str) -> Callable[[Any], Any]:
        def target(ctx: Any) -> Any:
            asked.append(name)
            raise RemoteDown("Acme cannot be reached.", connection="acme")

        return target

    module: Any = acme(len)
    module.register_connections = hookimpl(lambda: [CONNECTION])
    module.register_checks = hookimpl(
        lambda: [CheckSpec(name, f"Question {name}", check(name), ("acme",), "acme-thing") for name in ("a", "b")]
    )
    monkeypatch.setenv("CONNECTCTL_ACME_BASE_URL", "http://127.0.0.1:1")
    result = run("lookup", "check", "acme-ids", "--json", plugins={"acme": module})
    (finding,) = json.loads(result.out)
    assert asked == ["a"]
    assert finding["message"] == "could not be checked: Question a; Question b. Acme cannot be reached."
    assert (result.code, finding["fix"]) == (0, "connectctl connection test acme")


def test_clients_are_closed(run: Run, acme_client: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.cli.conftest import ACME as CONNECTION

    module = acme(lambda ctx: [] if ctx.client("acme") is ctx.client("acme") else None, ("acme",))
    module.register_connections = hookimpl(lambda: [CONNECTION])  # type: ignore[attr-defined]
    monkeypatch.setenv("CONNECTCTL_ACME_BASE_URL", "http://127.0.0.1:1")
    assert run("lookup", "check", "acme-ids", plugins={"acme": module}).code == 0
    assert acme_client.closed == 1
