import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from connectctl.api import (
    Alias,
    CheckSpec,
    ColumnSpec,
    CommandSpec,
    ConnectionSpec,
    FlowSpec,
    ProviderSpec,
    Reference,
    SettingSpec,
    TableSpec,
    UsageError,
    hookimpl,
)
from connectctl.errors import ContractBroken, NameTaken
from connectctl.plugins.manager import Plugins, load_plugins


def module(**hooks: Callable[[], Any]) -> ModuleType:
    """A plugin module with these hooks."""
    made = ModuleType("made")
    for name, hook in hooks.items():
        setattr(made, name, hookimpl(hook))
    return made


def conn(kind: str) -> ConnectionSpec:
    return ConnectionSpec(kind, kind, (), client="made:client")


def table(name: str, title: str | None = None) -> TableSpec:
    return TableSpec(name, title or name, (ColumnSpec("A"),), ("A",))


def flow(name: str) -> FlowSpec:
    return FlowSpec(name, name, read=len, plan=len)


def command(name: str) -> CommandSpec:
    return CommandSpec(name, name, "json:dumps")


def faults(plugins: Plugins) -> dict[tuple[str, str], str]:
    return {(fault.plugin, fault.where): fault.message for fault in plugins.faults}


def test_each_contribution_has_an_owner() -> None:
    plugins = Plugins.from_modules(
        {
            "b": module(register_connections=lambda: [conn("b")], register_commands=lambda: (command("b"),)),
            "a": module(register_tables=lambda: [table("t")], register_flows=lambda: iter([flow("a.go")])),
        }
    )
    assert list(plugins.connections) == ["docebo", "smtp", "b"]
    assert plugins.connections.owner("b") == "b"
    assert plugins.connections.owner("docebo") == "connectctl"
    assert plugins.tables.owner("t") == plugins.flows.owner("a.go") == "a"
    info = {found.name: found for found in plugins.info}
    assert [(found.kind, found.name) for found in info["b"].contributions] == [("connection", "b"), ("command", "b")]
    assert {found.state for found in info.values()} == {"loaded"}
    assert plugins.faults == ()


@pytest.mark.req("GN-08")
def test_core_has_integration_settings() -> None:
    spec = Plugins.from_modules({}).table("Integration-Settings")
    assert [(column.name, column.type) for column in spec.columns] == [
        ("Integration", "text"),
        ("Key", "text"),
        ("Value", "text"),
    ]
    assert (spec.key, spec.filled_by, spec.editable) == (("Integration", "Key"), "the administrator", True)


def raising(error: BaseException) -> Callable[[], Any]:
    def hook() -> Any:
        raise error

    return hook


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (raising(RuntimeError("broken\nbadly")), "RuntimeError: broken badly"),
        (raising(SystemExit(3)), "sys.exit(3)"),
        (raising(GeneratorExit()), "GeneratorExit"),
        (lambda: None, "must return a list of ConnectionSpec, not NoneType"),
        (lambda: conn("x"), "not ConnectionSpec"),
        (lambda: "text", "not str"),
        (lambda: {"a": 1}, "not dict"),
        (lambda: [table("x")], "TableSpec is not a ConnectionSpec"),
        (lambda: (1 / 0 for _ in "x"), "ZeroDivisionError"),
    ],
)
def test_a_bad_hook_is_held_to_its_plugin(hook: Callable[[], Any], words: str) -> None:
    plugins = Plugins.from_modules(
        {"bad": module(register_connections=hook), "good": module(register_connections=lambda: [conn("good")])}
    )
    assert list(plugins.connections) == ["docebo", "smtp", "good"]
    assert words in faults(plugins)["bad", "register_connections"]
    assert {found.name: found.state for found in plugins.info}["bad"] == "faulty"


def test_ctrl_c_is_nobodys_fault() -> None:
    plugins = Plugins.from_modules({"bad": module(register_connections=raising(KeyboardInterrupt()))})
    with pytest.raises(KeyboardInterrupt):
        _ = plugins.connections


def test_one_bad_declaration_does_not_take_the_others_along() -> None:
    bad: Any = TableSpec("Bad Name", "", (ColumnSpec("A"), ColumnSpec("A", "money")), ("B",))  # type: ignore[arg-type]
    plugins = Plugins.from_modules({"p": module(register_tables=lambda: [bad, table("fine")])})
    assert "fine" in plugins.tables
    message = faults(plugins)["p", "register_tables"]
    for word in ("Bad Name", "title", "'A' is there twice", "'money'", "'B', which is not a column"):
        assert word in message


def test_a_declaration_of_the_wrong_shape_is_a_fault_and_no_crash() -> None:
    odd: list[Any] = [
        TableSpec("a", "a", ("x",), "x"),  # type: ignore[arg-type]
        TableSpec(None, None, None, None),  # type: ignore[arg-type]
    ]
    odd_flow = FlowSpec("no-dot", "", read=None, plan="nocolon", batch=0)  # type: ignore[arg-type]
    odd_provider: Any = ProviderSpec("p", "P", "P", "p", table("a"), None, ())  # type: ignore[arg-type]
    plugins = Plugins.from_modules(
        {
            "p": module(
                register_tables=lambda: odd,
                register_flows=lambda: [odd_flow],
                register_providers=lambda: [odd_provider],
                register_connections=lambda: [ConnectionSpec("c", "", ("key",), None)],  # type: ignore[arg-type]
            )
        }
    )
    assert len(plugins.faults) == 5
    assert list(plugins.tables) == ["integration-settings"]


def test_unknown_hooks_and_wrong_arguments_are_faults() -> None:
    unknown = module(register_tabels=lambda: [table("u")], register_tables=lambda: [table("t")])
    wrong = ModuleType("wrong")
    wrong.register_tables = hookimpl(lambda config: [])  # type: ignore[attr-defined]
    plugins = Plugins.from_modules({"unknown": unknown, "wrong": wrong})
    found = faults(plugins)
    assert "there is no hook register_tabels" in found["unknown", "register_tabels"]
    assert "PluginValidationError" in found["wrong", "hooks"]
    assert "t" in plugins.tables


@pytest.mark.parametrize(
    ("hook", "make", "names", "asked"),
    [
        ("register_connections", conn, ("x", "x"), "x"),
        ("register_flows", flow, ("p.go", "p.go"), "p.go"),
        ("register_commands", command, ("x", "x"), "x"),
        ("register_tables", table, ("x", "x"), "x"),
    ],
)
def test_a_name_offered_twice_belongs_to_nobody(hook: str, make: Any, names: tuple[str, str], asked: str) -> None:
    plugins = Plugins.from_modules(
        {
            "one": module(**{hook: lambda: [make(names[0]), make(names[0][:-1] + "y")]}),
            "two": module(**{hook: lambda: [make(names[1])]}),
        }
    )
    registry: Any = getattr(plugins, hook.removeprefix("register_"))
    with pytest.raises(NameTaken, match=r"offered by the plugins one and two"):
        registry[asked]
    with pytest.raises(NameTaken):
        registry.get(asked)
    assert asked not in registry
    assert asked not in list(registry)
    assert asked[:-1] + "y" in registry
    assert {fault.plugin for fault in plugins.faults} == {"one", "two"}


def test_table_titles_clash_too() -> None:
    one, two = table("first", "Shared Name"), table("shared-name", "Second")
    plugins = Plugins.from_modules(
        {"one": module(register_tables=lambda: [one]), "two": module(register_tables=lambda: [two])}
    )
    for name in ("first", "Shared Name", "shared_name", "Second"):
        with pytest.raises(NameTaken):
            plugins.table(name)
    assert plugins.table("integration-settings")


def test_core_names_cannot_be_had() -> None:
    plugins = Plugins.from_modules(
        {"greedy": module(register_commands=lambda: [command("lookup")], register_connections=lambda: [conn("docebo")])}
    )
    plugins.reserve(["lookup"])
    assert set(plugins.commands.taken) == {"lookup"}
    with pytest.raises(NameTaken, match="connectctl"):
        plugins.connection("docebo")
    assert {(fault.plugin, fault.where) for fault in plugins.faults} == {
        (owner, where) for owner in ("greedy", "connectctl") for where in ("command lookup", "connection docebo")
    }


def test_tables_are_found_by_any_of_their_names() -> None:
    spec = table("credly-badge-templates", "Credly Badge Templates")
    plugins = Plugins.from_modules({"p": module(register_tables=lambda: [spec, table("slack_user")])})
    for name in (
        "credly-badge-templates",
        "Credly Badge Templates",
        "CREDLY badge  templates ",
        "credly_badge_templates",
    ):
        assert plugins.table(name) is spec
    assert plugins.table("slack-user").name == "slack_user"
    with pytest.raises(UsageError, match=r"did you mean credly-badge-templates\?"):
        plugins.table("credly-badge-template")
    with pytest.raises(UsageError, match="There is no flow"):
        plugins.flow("x")


def provider(name: str = "credly") -> ProviderSpec:
    return ProviderSpec(name, "Credly", "CREDLY", "credly", table("templates"), table("mappings"), ())


def test_a_provider_brings_its_tables_and_the_kits_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = ModuleType("connectctl.badging.flows")
    kit.provider_flows = lambda spec: (flow(f"{spec.name}.batch-sync"),)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "connectctl.badging.flows", kit)
    plugins = Plugins.from_modules({"p": module(register_providers=lambda: [provider()])})
    assert {"templates", "mappings"} < set(plugins.tables)
    assert plugins.tables.owner("templates") == "p"
    assert plugins.flows.owner("credly.batch-sync") == "p"
    kit.provider_flows = raising(RuntimeError("kit"))  # type: ignore[attr-defined]
    again = Plugins.from_modules({"p": module(register_providers=lambda: [provider()])})
    assert list(again.flows) == []


def test_asking_for_commands_asks_for_nothing_else() -> None:
    asked: list[str] = []
    hooks = {name: (lambda name=name: asked.append(name) or []) for name in ("register_flows", "register_commands")}
    plugins = Plugins.from_modules({"p": module(**hooks)})
    assert len(plugins.commands) == 0
    assert asked == ["register_commands"]


def test_targets_are_resolved_with_their_owner_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "exiting_target.py").write_text("import sys; print('noise'); sys.exit(1)")
    targets = ["no_such_module:x", "json:no_such_name", "nonsense:", "exiting_target:x"]
    specs = [CommandSpec(f"c{number}", "", target) for number, target in enumerate(targets)]
    plugins = Plugins.from_modules({"acme": module(register_commands=lambda: specs)})
    assert len(plugins.commands) == 4
    for target in targets:
        with pytest.raises(ContractBroken, match="acme"):
            plugins.resolve(target)
    assert plugins.resolve("json:dumps")([1]) == "[1]"
    assert plugins.resolve("os:path.join") is os.path.join
    assert plugins.resolve(len) is len
    with pytest.raises(ContractBroken):
        plugins.resolve(SimpleNamespace())  # type: ignore[arg-type]


# --- installed plugins

IMPORTS = {
    "fine": (
        "from connectctl.api import hookimpl, CommandSpec\n"
        "@hookimpl\ndef register_commands(): return [CommandSpec('fine', '', 'a:b')]"
    ),
    "exits": "import sys\nprint('on stdout')\nsys.exit(0)",
    "raises": "raise RuntimeError('no')",
    "missing": "import no_such_module_anywhere",
    "syntax": "def (",
    "noisy": "import os, sys\nprint('python')\nos.system('echo child')\nsys.__stdout__.write('buffered')",
}


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, EntryPoint]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    for name, text in IMPORTS.items():
        (folder / f"plug_{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, f"plug_{name}", raising=False)
    return {name: EntryPoint(name, f"plug_{name}", "connectctl") for name in IMPORTS}


def test_plugins_that_cannot_be_imported_are_left_out(entries: dict[str, EntryPoint], capfd: Any) -> None:
    plugins = load_plugins(entry_points=entries.values())
    assert list(plugins.commands) == ["fine"]
    found = faults(plugins)
    assert "sys.exit(0)" in found["exits", "import"]
    assert "RuntimeError: no" in found["raises", "import"]
    assert "no_such_module_anywhere" in found["missing", "import"]
    assert "SyntaxError" in found["syntax", "import"]
    out, err = capfd.readouterr()
    assert out == ""
    assert "python" in err
    assert "child" in err


def test_plugins_can_be_blocked(entries: dict[str, EntryPoint], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTCTL_BLOCK_PLUGINS", "exits, Raises,,missing")
    plugins = load_plugins(block=["syntax"], entry_points=entries.values())
    assert plugins.faults == ()
    states = {info.name: info.state for info in plugins.info}
    assert states == {"connectctl": "loaded", "fine": "loaded", "noisy": "loaded"} | dict.fromkeys(
        ("exits", "raises", "missing", "syntax"), "blocked"
    )


def test_two_plugins_of_one_name(entries: dict[str, EntryPoint]) -> None:
    other = [EntryPoint("fine", "json", "connectctl"), EntryPoint("connectctl", "json", "connectctl")]
    plugins = load_plugins(entry_points=[entries["fine"], *other])
    assert list(plugins.commands) == ["fine"]
    assert {fault.where for fault in plugins.faults} == {"name"}


def test_noise_of_a_plugin_stays_off_stdout_of_a_real_process(entries: dict[str, EntryPoint], tmp_path: Path) -> None:
    dist = tmp_path / "site/noisy-1.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: connectctl-noisy\nVersion: 1.5\n")
    (dist / "entry_points.txt").write_text("[connectctl]\nnoisy = plug_noisy\nexits = plug_exits\n")
    done = subprocess.run(
        [sys.executable, "-m", "connectctl", "plugin", "list", "--json"],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    import json

    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert (rows["noisy"]["version"], rows["noisy"]["distribution"]) == ("1.5", "connectctl-noisy")
    assert rows["exits"]["state"] == "faulty"
    assert "child" in done.stderr


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            TableSpec("t", "T", (ColumnSpec("A"),), ("A",), active="A"),
            "active names 'A', which is not a boolean column",
        ),
        (TableSpec("t", "T", (ColumnSpec("A"),), ("A",), active="On"), "active names 'On'"),
        (TableSpec("t", "T", (ColumnSpec("A"),), ("A",), maps=("B",)), "maps names 'B', which is not a column"),
        (
            TableSpec("t", "T", (ColumnSpec("A", refers_to="other"),), ("A",)),  # type: ignore[arg-type]
            "refers_to of the column A must be a Reference",
        ),
        (
            TableSpec("t", "T", (ColumnSpec("A", refers_to=Reference("other", "Id", ("B", "Name"))),), ("A",)),
            "refers_to of the column A names 'B', which is not a column",
        ),
    ],
)
def test_declarations_that_checks_could_not_use_are_faults(spec: TableSpec, words: str) -> None:
    plugins = Plugins.from_modules({"p": module(register_tables=lambda: [spec])})
    assert words in faults(plugins)["p", "register_tables"]


def test_a_check_that_is_declared_wrongly_is_a_fault() -> None:
    bad: Any = CheckSpec("p-things", "Things", len, uses="docebo", tables=("t",))  # type: ignore[arg-type]
    plugins = Plugins.from_modules({"p": module(register_checks=lambda: [bad])})
    assert "p-things" not in plugins.checks
    assert "uses must be a tuple of str" in faults(plugins)["p", "register_checks"]


def test_an_alias_of_a_setting_that_is_not_there_is_a_fault() -> None:
    setting = SettingSpec("NEW", "", alias=Alias("OLD", {"a": "b"}))
    spec = ConnectionSpec("c", "C", (setting,), client="m:c")
    plugins = Plugins.from_modules({"p": module(register_connections=lambda: [spec])})
    assert "setting NEW is an alias of OLD, which is not a setting" in faults(plugins)["p", "register_connections"]
