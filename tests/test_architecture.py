"""The layers, walked: imports point down, only the command line prints, first-party plugins use the public API."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "src" / "connectctl"
PLUGINS = ROOT / "plugins"

# Top to bottom; a module may import from its own layer and those below. `testing` sees all and is seen by none.
LAYERS = [
    ["__main__"],
    ["testing"],
    ["cli"],
    ["server", "scheduling", "inbox"],
    ["badging"],
    ["flows"],
    ["docebo"],
    ["notify"],
    ["store"],
    ["http"],
    ["config"],
    ["api"],
    ["plugins"],
    ["model"],
    ["errors"],
    ["__init__"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# Imports that point up, each with its reason. All of them are lazy (in a function, or for the type checker).
UPWARDS = {
    ("api", "config"): "re-exported to plugin authors, imported when asked for",
    ("api", "http"): "re-exported to plugin authors, imported when asked for",
    ("api", "store"): "re-exported to plugin authors, imported when asked for",
    ("api", "flows"): "re-exported to plugin authors, imported when asked for",
    ("api", "badging"): "the kit, re-exported to plugin authors, imported when asked for",
    ("api", "cli"): "commands of the kit, re-exported to plugin authors, imported when asked for",
    ("plugins/core.py", "docebo"): "core's own declaration stands beside its client",
    ("plugins/core.py", "notify"): "core's own declaration stands beside its client",
}
LONGEST = 350

# A second Ctrl-C has to end a run at once, wherever it stands; an exception could be held up by a call in flight.
MAY_EXIT = {("flows/clock.py", "os._exit")}
PUBLIC = ("connectctl.api", "connectctl.testing", "connectctl.badging")


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def imports(tree: ast.AST, lazy: bool = False) -> Iterator[tuple[str, bool, int]]:
    """Every imported module, whether the import runs at import time, and its line."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, lazy, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:  # its own package
                continue
            yield node.module or "", lazy, node.lineno
            yield from ((f"{node.module}.{alias.name}", lazy, node.lineno) for alias in node.names)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            yield from imports(node, lazy or inside or checking)


def layer(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "connectctl" and len(parts) > 1 and parts[1] in RANK else None


@pytest.mark.parametrize("path", sources(CORE), ids=lambda path: str(path.relative_to(CORE)))
def test_imports_point_down(path: Path) -> None:
    relative = path.relative_to(CORE)
    own = relative.parts[0].removesuffix(".py")
    assert own in RANK, f"{own} has no place in the layers"
    for module, lazy, line in imports(ast.parse(path.read_text())):
        target = layer(module)
        if target is None or RANK[target] >= RANK[own]:
            continue
        excused = (own, target) in UPWARDS or (str(relative), target) in UPWARDS
        assert excused, f"{relative}:{line} imports upwards: {module}"
        assert lazy, f"{relative}:{line} imports {module} at import time"


@pytest.mark.parametrize("path", sources(CORE), ids=lambda path: str(path.relative_to(CORE)))
def test_only_the_command_line_prints_and_exits(path: Path) -> None:
    relative = path.relative_to(CORE)
    if relative.parts[0] in ("cli", "__main__.py", "testing"):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            line = getattr(node, "lineno", 0)
            if called in ("print", "exit", "quit", "sys.exit", "os._exit", "os.abort"):
                assert (str(relative), called) in MAY_EXIT, f"{relative}:{line} calls {called}"
            assert not called.startswith(("click.echo", "click.secho", "sys.stdout.write")), f"{relative}:{line}"
        if isinstance(node, ast.Raise) and node.exc is not None:
            assert "SystemExit" not in ast.unparse(node.exc), f"{relative}:{node.lineno}"


def test_inside_the_command_line_only_main_exits() -> None:
    for path in sources(CORE / "cli"):
        text = path.read_text()
        assert "sys.exit(" not in text, path
        assert "SystemExit" not in text, path


@pytest.mark.parametrize("path", sources(PLUGINS), ids=lambda path: str(path.relative_to(PLUGINS)))
def test_first_party_plugins_use_the_public_api(path: Path) -> None:
    if "src" not in path.parts:
        return
    for module, _, line in imports(ast.parse(path.read_text())):
        if module == "connectctl" or not module.startswith("connectctl."):
            continue
        public = any(module == name or module.startswith(f"{name}.") for name in (*PUBLIC, "connectctl.__version__"))
        assert public, f"{path.relative_to(ROOT)}:{line} imports {module}"


@pytest.mark.parametrize("path", [*sources(CORE), *sources(PLUGINS)], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_client_shares_its_limits_with_other_processes(path: Path) -> None:
    if "src" not in path.relative_to(ROOT).parts:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Client":
            given = {keyword.arg for keyword in node.keywords}
            assert given & {"limits", "limiter"}, f"{path.relative_to(ROOT)}:{node.lineno} counts for itself"


@pytest.mark.parametrize("path", [*sources(CORE), *sources(PLUGINS)], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


def test_every_module_says_what_it_is_for() -> None:
    for path in sources(CORE):
        assert ast.get_docstring(ast.parse(path.read_text())), path
