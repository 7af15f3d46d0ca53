"""The conformance suite: three providers pass it, and it names what each kind of mistake breaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests import fake_provider
from tests.fake_provider import REMOTES, Badgely, Remote

import connectctl_accredible.plugin as accredible
import connectctl_credly.plugin as credly
from connectctl.api import BadAnswer, Credential, FlowSpec, Plan, Template, hookimpl
from connectctl.config.paths import ProfilePaths
from connectctl.config.settings import load_settings
from connectctl.plugins.manager import Plugins
from connectctl.plugins.specs import ProviderSpec
from connectctl.testing.clock import FakeClock
from connectctl.testing.contract import Trial, declarations, protocol
from connectctl_sandbox import Sandbox
from connectctl_sandbox.faults import Fault

MODULES: dict[str, tuple[ModuleType, ProviderSpec]] = {
    "badgely": (fake_provider, fake_provider.PROVIDER),
    "credly": (credly, credly.PROVIDER),
    "accredible": (accredible, accredible.PROVIDER),
}


def badgely(kind: type[Badgely] = Badgely) -> Trial:
    """The third provider over an empty remote of its own."""
    remote = Remote({"k1": Template("k1", "Gold", "active", "2026-01-01")})
    REMOTES["contract"] = remote
    client = kind(SimpleNamespace(require=lambda name: "contract"))

    @contextmanager
    def hostile() -> Iterator[None]:
        def refuse() -> None:
            raise BadAnswer("Badgely: another shape", connection="badgely")

        client.__dict__ |= dict.fromkeys(("templates", "held", "find", "issue"), lambda *_: refuse())
        yield
        for name in ("templates", "held", "find", "issue"):
            del client.__dict__[name]

    return Trial(client, "k1", hostile)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Callable[[str], Trial]]:
    """The trial of a provider by name; of two the remote is the sandbox."""
    with Sandbox(seed=1) as box:

        def make(name: str) -> Trial:
            if name == "badgely":
                return badgely()
            file = tmp_path / "config.toml"
            file.write_text(box.config_toml().replace(f"[connections.{name}]", f"[connections.{name}]\nsearch_lag = 0"))
            file.chmod(0o600)
            paths = ProfilePaths("default", file, tmp_path, tmp_path, tmp_path)
            module: Any = MODULES[name][0]
            settings = load_settings(paths, {name: module.CONNECTION}).connection(name)
            clock = FakeClock(datetime.fromtimestamp(box.clock.now(), UTC))
            if name == "credly":
                client = __import__("connectctl_credly.client").client.make_client(settings, clock)
                template = list(box.credly.templates)[1]
            else:
                client = __import__("connectctl_accredible.client").client.make_client(settings, clock)
                template = str(box.accredible.add_group("empty", course_name="E", course_description="Nobody.").id)

            @contextmanager
            def hostile() -> Iterator[None]:
                box.faults.add(Fault("wrong_types", remote=name))
                yield
                box.faults.clear()

            return Trial(client, template, hostile)

        yield make


@pytest.mark.parametrize("name", MODULES)
def test_the_declarations_of_a_provider_are_sound(name: str) -> None:
    plugins = Plugins.from_modules({name: MODULES[name][0]})
    results = list(declarations(plugins, name))
    assert [one for one in results if one.problem] == []
    assert len(results) == 6


@pytest.mark.parametrize("name", MODULES)
def test_the_client_of_a_provider_does_what_the_kit_relies_on(name: str, trial: Callable[[str], Trial]) -> None:
    results = list(protocol(MODULES[name][1], trial(name)))
    assert [one for one in results if one.problem] == []
    assert len(results) >= 9


class Twice(Badgely):
    def find(self, template_id: str, earner_id: str, email: str) -> list[Credential]:
        return super().find(template_id, "", email) * 2


class Generous(Badgely):
    def issue(self, request: Any) -> Credential:
        return super().issue(replace(request, again=True))


class Undecided(Badgely):
    def revoke(self, credential_id: str, reason: str) -> None:
        """Says yes and does nothing."""


class Partial(Badgely):
    def templates(self) -> list[Template]:
        return []


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (Twice, "what is issued is found and listed"),
        (Generous, "a second one for the same learner is refused"),
        (Undecided, "one is revoked, and once more without harm"),
        (Partial, "templates are complete, in order, and found alone"),
    ],
)
def test_a_client_that_does_not_keep_to_it_is_told_where(kind: type[Badgely], check: str) -> None:
    assert check in [one.check for one in protocol(fake_provider.PROVIDER, badgely(kind)) if one.problem]


def test_declarations_that_lead_nowhere_are_named() -> None:
    def plan(view: Any) -> Plan:
        print(view)
        return Plan()

    bad = FlowSpec("odd.flow", "Odd", read="nowhere:nothing", plan=plan)
    module: Any = ModuleType("odd")
    module.register_flows = hookimpl(lambda: [bad], specname="register_flows")
    module.register_providers = hookimpl(
        lambda: [replace(fake_provider.PROVIDER, name="odd", start_order=("unheard",))], specname="register_providers"
    )
    found = {one.check: one.problem for one in declarations(Plugins.from_modules({"odd": module}), "odd")}
    assert "nowhere" in found["every target can be imported"]
    assert "print" in found["plans ask no clock, disk or chance"]
    assert "unheard" in found["titles and calls agree"]


def test_the_command_shows_each_check(run_main: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run_main("plugin", "check", "badgely", "--json")
    assert (code, {row["problem"] for row in json.loads(out)}) == (0, {""})
    code, out, _ = run_main("plugin", "check", "badgely", "--trial", "tests.test_contract:badgely")
    assert code == 0
    assert "a second one for the same learner is refused" in out
    code, _, err = run_main("plugin", "check", "badgely", "--trial", "tests.test_contract:bad_trial")
    assert code == 3
    assert "Error: The plugin badgely fails 1 check of" in err
    code, _, err = run_main("plugin", "check", "nobody")
    assert code == 2
    assert "There is no plugin 'nobody'" in err


def bad_trial() -> Trial:
    return badgely(Undecided)


@pytest.fixture
def run_main(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    from connectctl.cli import main

    def call(*args: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(args, plugins=Plugins.from_modules({"badgely": fake_provider}))
        return code, *capsys.readouterr()

    return call
