import re
import tomllib
from pathlib import Path

from connectctl.config.edit import set_value
from connectctl.config.paths import profile_paths, write_private
from connectctl.config.settings import load_settings
from connectctl.config.template import render
from connectctl.plugins.manager import Plugins
from connectctl.plugins.specs import ConnectionSpec, SettingSpec

ODD = ConnectionSpec(
    "odd-one",
    "Odd\none",
    (
        SettingSpec("flag", "switch\nit", kind="boolean", default=True),
        SettingSpec("count", "", kind="integer"),
        SettingSpec("mode", "# hash", kind="choice", choices=("a", "b"), required=True),
        SettingSpec("token", "secret", secret=True),
    ),
    client="x:y",
)


def test_the_template_sets_nothing_and_every_line_of_it_can_be_switched_on(home: Path) -> None:
    specs = {**Plugins.from_modules({}).connections, "odd-one": ODD}
    text = render(specs.values())
    data = tomllib.loads(text)
    assert set(data["connections"]) == set(specs)
    assert not any(data["connections"].values())

    on = re.sub(r"(?m)^# (\w+ = )", r"\1", text.replace('"…"', '"x"'))
    write_private(home / "config.toml", on)
    settings = load_settings(profile_paths(), specs)
    assert settings.connection("docebo").configured
    assert settings.connection("odd-one").get("flag") == "true"


def test_a_value_takes_its_placeholders_line() -> None:
    text = render([ODD])
    edited = set_value(text, ("connections", "odd-one"), "mode", "b")
    assert 'mode = "b"' in edited
    assert len(edited.splitlines()) == len(text.splitlines())
    assert '# mode = "a"' not in edited
