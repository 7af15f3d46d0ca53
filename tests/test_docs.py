"""The pages say what the product does: commands parse, tables are whole, the example plugin runs."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import click
import pytest

from connectctl import errors, model
from connectctl.badging import awarding, chains, mapped, sources, training
from connectctl.badging import plan as badging_plan
from connectctl.badging.reasons import SENTENCES
from connectctl.cli import main
from connectctl.cli.ledger import STATES
from connectctl.config.declared import COMMON, CORE
from connectctl.docebo.spec import DOCEBO
from connectctl.notify.spec import SMTP
from connectctl.plugins import hookspecs
from connectctl.plugins.manager import Plugins
from connectctl.testing.fake_api import FakeAPI, SeenRequest
from connectctl_accredible import settings as accredible
from connectctl_accredible.plugin import CONNECTION as ACCREDIBLE
from connectctl_credly.plugin import CONNECTION, SETTINGS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md"), *ROOT.glob("plugins/*/README.md")])

_FENCE = re.compile(r"^( *)```([a-z]*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(connectctl [^`]+)`(?!`)")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Language and content of the code blocks."""
    return ((match[2], match[3]) for match in _FENCE.finditer(text))


def load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = load("docs_generate", DOCS / "generate.py")


# -- commands --------------------------------------------------------------------------------------------------------


def commands(line: str) -> Iterator[list[str]]:
    """The connectctl commands of a line as a shell would split it, in pipes and lists too."""
    lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if not set(word) <= set("|&;<>"):
            words.append(word)
            continue
        if any(Path(found).name == "connectctl" for found in words):
            start = next(number for number, found in enumerate(words) if Path(found).name == "connectctl")
            yield words[start + 1 :]
        words = []


def written() -> Iterator[Any]:
    for file in PAGES:
        for language, content in blocks(file.read_text(encoding="utf-8")):
            if language in ("sh", "console", "text", ""):
                for line in content.splitlines():
                    if re.search(r"(?:^|[ /])connectctl [a-z-]", line) and not line.startswith(("Hint:", "Error:")):
                        yield pytest.param(line.strip(), id=f"{file.relative_to(ROOT)}: {line.strip()[:60]}")


def walk(args: list[str]) -> tuple[click.Context, list[str]]:
    """Follows the groups down to the command; its context and what is left. Nothing is run."""
    ctx = GENERATE.context()
    while isinstance(ctx.command, click.Group):
        ctx.allow_interspersed_args = False
        _, rest, _ = ctx.command.make_parser(ctx).parse_args(list(args))
        if not rest:
            return ctx, []
        name, command, args = ctx.command.resolve_command(ctx, rest)
        assert command is not None
        ctx = click.Context(command, info_name=name, parent=ctx)
    return ctx, args


@pytest.mark.parametrize("line", list(written()))
def test_every_command_line_parses(line: str) -> None:
    found = list(commands(line))
    assert found, line
    for args in found:
        ctx, rest = walk(args)
        if not isinstance(ctx.command, click.Group):
            with ctx.scope():
                ctx.command.make_context(ctx.info_name, rest, parent=ctx.parent)
        else:
            assert args == ["--help"], f"{line!r} stops at a group"


@pytest.mark.parametrize(
    "line",
    [
        "connectctl credly batch-sink",
        "connectctl credly batch-sync --dry",
        "connectctl apply",
        "connectctl --verbos run",
    ],
)
def test_a_wrong_command_line_is_seen(line: str) -> None:
    with pytest.raises(click.UsageError):
        test_every_command_line_parses(line)


def test_commands_named_in_the_text_exist() -> None:
    for file in PAGES:
        for mention in _INLINE.findall(file.read_text(encoding="utf-8")):
            words = re.split(r" (?=[^a-z-]|\[|…)", mention)[0].split()[1:]
            if words and words[0] != "…":
                try:
                    walk(words)
                except click.UsageError as error:
                    pytest.fail(f"{file.name}: {mention}: {error.message}")


def test_make_targets_named_in_the_text_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for file in PAGES:
        for text in (*(content for _, content in blocks(file.read_text())), *re.findall(r"`[^`]+`", file.read_text())):
            assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets, file


def test_the_page_of_commands_is_current() -> None:
    assert page("commands.md") == GENERATE.render(), "run `make docs`"


# -- tables ----------------------------------------------------------------------------------------------------------


def rows(text: str, columns: int) -> Iterator[list[str]]:
    for line in text.splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) >= columns and not set(cells[0]) <= {"-", " "}:
            yield cells


def test_the_table_of_errors_lists_every_class_with_its_exit_code() -> None:
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.ConnectctlError)
    }
    listed = {
        cells[0]: cells[1] for cells in rows(page("errors.md"), 4) if cells[0] in classes or cells[0][0].isupper()
    }
    assert listed == {name: str(kind.exit_code) for name, kind in classes.items()}


def test_every_exit_code_is_explained() -> None:
    codes = {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    explained = {cells[0] for cells in rows(page("errors.md"), 3) if cells[0].isdigit()}
    assert {str(code) for code in codes} <= explained


def test_every_setting_is_explained() -> None:
    configuration, credly = page("configuration.md"), page("credly.md")
    for setting in (*DOCEBO.settings, *CONNECTION.settings, *ACCREDIBLE.settings, *SMTP.settings, *COMMON):
        assert f"`{setting.name}`" in configuration, setting.name
    for section, settings in CORE.items():
        for setting in settings:
            assert f"`[{section}] {setting.name}`" in configuration, setting.name
    explained = {cells[0] for cells in rows(credly, 3)}
    assert {setting.name for setting in SETTINGS} <= explained
    explained = {cells[0] for cells in rows(page("accredible.md"), 3)}
    assert {setting.name for setting in accredible.SETTINGS} <= explained


def test_every_state_and_outcome_is_explained() -> None:
    for text in (page("concepts.md"), (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        assert [cells[0] for cells in rows(text, 3) if cells[0] in STATES] == list(STATES)
    for outcome in get_args(model.OutcomeStatus):
        assert f"`{outcome}`" in page("concepts.md")


def test_every_reason_of_the_plan_is_explained() -> None:
    source = Path(badging_plan.__file__).read_text(encoding="utf-8")
    reasons = set(re.findall(r'(?:return|reason =) "([a-z_:]+)"', source))
    assert reasons
    for reason in reasons:
        assert f"`{reason}`" in page("credly.md") + page("accredible.md"), reason


MODULES = (chains, training, awarding, mapped, sources)


def test_every_reason_of_the_import_is_explained() -> None:
    texts = [Path(str(one.__file__)).read_text(encoding="utf-8") for one in MODULES]
    named = {reason for text in texts for reason in re.findall(r'"([a-z_:]+)"', text)} & SENTENCES.keys()
    assert len(named) > 15
    for reason in named:
        assert f"`{reason}`" in page("credly.md") + page("accredible.md"), reason


def test_a_reason_of_one_provider_alone_stands_on_its_page() -> None:
    for reason in ("connectctl:never_inwards", "connectctl:no_plan_field", "connectctl:unpublished", "overwrite_skip"):
        assert reason in SENTENCES
        assert f"| `{reason}`" in page("accredible.md"), reason
        assert f"`{reason}`" not in page("credly.md"), reason


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [data["project"]["dependencies"], *data["dependency-groups"].values()]
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Dependencies")[1]
    for requirement in (entry for group in groups for entry in group):
        assert re.split(r"[<>=!~; \[]", requirement)[0] in text


# -- plugins ---------------------------------------------------------------------------------------------------------


def test_hooks_in_the_pages_are_those_there_are() -> None:
    hooks = {name for name in vars(hookspecs) if name.startswith("register_")}
    for file in PAGES:
        assert set(re.findall(r"\bregister_[a-z]+", file.read_text(encoding="utf-8"))) <= hooks, file.name
    assert {cells[0] for cells in rows(page("writing-a-plugin.md"), 3)} - {"hook"} == hooks


@pytest.fixture
def badgely(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The plugin that writing-a-plugin.md shows."""
    (source,) = [content for language, content in blocks(page("writing-a-plugin.md")) if language == "python"]
    module = ModuleType("connectctl_badgely")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, "writing-a-plugin.md", "exec"), module.__dict__)  # noqa: S102 - our own page
    return module


def test_the_example_plugin_is_sound_and_its_plan_pure(badgely: ModuleType) -> None:
    plugins = Plugins.from_modules({"badgely": badgely})
    assert plugins.faults == ()
    assert (list(plugins.flows), "badgely-awards" in plugins.tables) == (["badgely.issue-badges"], True)
    plan = plugins.resolve(plugins.flow("badgely.issue-badges").plan)
    row = {"Email": "ada@acme.example", "Badge": "welcome"}
    planned = plan({"rows": [row], "applied": {}})
    assert planned == plan({"rows": [row], "applied": {}})
    (change,) = planned.changes
    assert (change.action, change.reason, dict(change.data)) == (
        "issue",
        "listed in the table",
        {"email": "ada@acme.example", "badge": "welcome"},
    )
    held = model.Applied(change.holding, change.key("r"), "done", "issue", "table", "1", "b1", True, {})
    again = plan({"rows": [row], "applied": {change.holding: held}})
    assert (again.changes, [skip.reason for skip in again.skipped]) == ((), ["already_assigned"])


def test_the_example_plugin_issues_once_though_the_answer_is_lost(
    badgely: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plugins = Plugins.from_modules({"badgely": badgely})
    issued: list[dict[str, str]] = []

    def issue(request: SeenRequest) -> tuple[int, dict[str, str]]:
        issued.append(request.json)
        return 201, {"id": "b1"}

    with FakeAPI() as api:
        api.on("POST", "/badges", json=issue, close="after")
        api.on("GET", "/badges", json=lambda _: {"badges": [{"id": "b1"}] if issued else []})
        monkeypatch.setenv("CONNECTCTL_BADGELY_BASE_URL", api.url)
        monkeypatch.setenv("CONNECTCTL_BADGELY_API_KEY", "a-key-of-ours")
        for args in (
            ["lookup", "set", "badgely-awards", "ada@acme.example", "welcome"],
            ["flow", "run", "badgely.issue-badges", "--dry-run"],
        ):
            assert main(args, plugins=plugins) == 0, capsys.readouterr().err
        assert issued == []
        for _ in range(2):
            assert main(["flow", "run", "badgely.issue-badges"], plugins=plugins) == 0, capsys.readouterr().err
    assert issued == [{"email": "ada@acme.example", "badge": "welcome"}]
    assert "adopted" in capsys.readouterr().out
