import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectctl.config.paths import profile_paths
from connectctl.config.settings import Settings, load_settings
from connectctl.errors import ConfigError, SecretMissing, SettingInvalid, SettingMissing, UsageError
from connectctl.model import CallLimits
from connectctl.plugins.specs import ConnectionSpec, SettingSpec

DOCEBO = ConnectionSpec(
    "docebo",
    "Docebo",
    (
        SettingSpec("base_url", "", kind="url", required=True),
        SettingSpec("grant", "", kind="choice", default="password", choices=("password", "client_credentials")),
        SettingSpec("client_id", "", required=True),
        SettingSpec("password", "", secret=True),
        SettingSpec("page_size", "", kind="integer", default=200, maximum=200),
    ),
    client="x:y",
    rate="90/min",
)
CREDLY = ConnectionSpec(
    "credly",
    "Credly",
    (
        SettingSpec("environment", "", kind="choice", default="production", choices=("production", "sandbox")),
        SettingSpec("base_url", "", kind="url"),
        SettingSpec("organization_id", ""),
        SettingSpec("token", "", secret=True),
    ),
    client="x:y",
    threads=8,
)
SPECS = {"docebo": DOCEBO, "credly": CREDLY}

Load = Callable[..., Settings]


@pytest.fixture
def load(home: Path) -> Load:
    def loaded(text: str = "", mode: int = 0o600) -> Settings:
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(text)
        (home / "config.toml").chmod(mode)
        return load_settings(profile_paths(), SPECS)

    return loaded


def test_without_a_file_everything_has_its_default() -> None:
    settings = load_settings(profile_paths(), SPECS)
    assert (settings.store_url, settings.timezone) == ("sqlite:///store.db", "UTC")
    assert (settings.max_changes, settings.max_removals, settings.max_revocations) == (500, 5, 10)
    docebo = settings.connection("docebo")
    assert (docebo.rate, docebo.threads, docebo.timeout, docebo.per_hour) == ("90/min", 4, (5.0, 30.0), None)
    assert not docebo.configured
    assert docebo.missing == ("base_url", "client_id")


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("sqlite:///store.db", "store.db-limits"),
        ("sqlite:///deep/own.db", "deep/own.db-limits"),
        ("sqlite:////srv/x.db", "/srv/x.db-limits"),
        ("postgresql://user@host/db", "limits"),
    ],
)
def test_requests_are_counted_beside_the_store_by_account(load: Load, home: Path, url: str, folder: str) -> None:
    text = f'[store]\nurl = "{url}"\n[connections.docebo]\nbase_url = "https://acme.example:8443"\nper_hour = 50\n'
    limits = load(text).connection("docebo").limits
    assert limits == CallLimits("90/min", 50, home / folder, "acme.example")


def test_environment_comes_before_file_before_default(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[connections.docebo]\nbase_url = "https://file"\npage_size = 50\nthreads = 2\n[limits]\nmax_changes = 7\n'
    docebo = load(text).connection("docebo")
    assert [docebo.get(name) for name in ("base_url", "page_size", "grant")] == ["https://file", "50", "password"]
    assert docebo.threads == 2
    monkeypatch.setenv("CONNECTCTL_DOCEBO_BASE_URL", "https://environment")
    monkeypatch.setenv("CONNECTCTL_DOCEBO_PAGE_SIZE", "")  # empty: as if it were not there
    monkeypatch.setenv("CONNECTCTL_LIMITS_MAX_CHANGES", "9")
    monkeypatch.setenv("CONNECTCTL_STORE_URL", "sqlite:///other.db")
    monkeypatch.setenv("CONNECTCTL_GENERAL_TIMEZONE", "Europe/Vienna")
    settings = load(text)
    assert settings.connection("docebo").require("base_url") == "https://environment"
    assert settings.connection("docebo").get("page_size") == "50"
    assert (settings.max_changes, settings.store_url) == (9, "sqlite:///other.db")
    assert settings.timezone == "Europe/Vienna"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[genral]\ntimezone = "UTC"\n', ["config.toml, line 1", "genral", "did you mean general?"]),
        ('\n[general]\ntimezon = "UTC"\n', ["line 3", "general.timezon;", "did you mean timezone?"]),
        ("[connections.docebbo]\n", ["line 1", "connections.docebbo", "did you mean docebo?"]),
        ('[connections.credly]\norganisation_id = "x"\n', ["line 2", "did you mean organization_id?"]),
        ("[limits]\nmax_changes = -1\n", ["limits.max_changes", "line 2", "at least 0"]),
        ("[limits]\nmax_changes = 1.5\n", ["whole number"]),
        ('[general]\ntimezone = "Europe/Wien"\n', ["Europe/Wien"]),
        ('[general]\ntimezone = "../../etc/passwd"\n', ["not a known time zone"]),
        ('store = "x"\n', ["store must be a section"]),
        ('connections = "x"\n', ["connections must be a section"]),
        ("[general.timezone]\n", ["timezone"]),
        ('[webhooks.docebo]\nuser = "x"\n', ["webhooks.docebo.user", "did you mean username?"]),
    ],
)
def test_what_is_unknown_or_wrong_is_named_with_file_and_line(load: Load, text: str, words: list[str]) -> None:
    with pytest.raises(SettingInvalid) as caught:
        load(text)
    for word in words:
        assert word in caught.value.message


@pytest.mark.parametrize("text", ["[general\n", "a = \n", "x = 1\nx = 2\n"])
def test_broken_toml_is_named_with_line_and_column(load: Load, text: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml is not valid TOML: .*line \d+, column \d+"):
        load(text)


def test_files_that_cannot_be_read(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes(b"x = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(profile_paths(), SPECS)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(profile_paths(config=home), SPECS)
    with pytest.raises(ConfigError, match="does not exist") as caught:
        load_settings(profile_paths(config=home / "none.toml"), SPECS)
    assert caught.value.exit_code == 3


CONTRACT = """
[store]
url = "sqlite:///store.db"
[connections.docebo]
base_url = "https://acme.docebosaas.com"
[connections.docebo.paths]
users = "/manage/v1/user"
[connections.accredible]
environment = "production"
api_key = "env:KEY"
[connections.slack]
team_id = "T1"
signing_secret = "env:S"
[webhooks]
public_url = "https://hooks.example.org"
[webhooks.docebo]
username = "u"
password = "env:P"
"""


def test_sections_of_plugins_that_are_not_installed_are_left_alone(load: Load) -> None:
    settings = load(CONTRACT)
    assert settings.unused == ("accredible", "slack")
    assert settings.connection("docebo").paths == {"users": "/manage/v1/user"}
    assert settings.public_url == "https://hooks.example.org"


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[connections.docebo]\npassword = "hunter2"\n', "connections.docebo.password"),
        ('[connections.slack]\ntoken = "xoxb"\n', "connections.slack.token"),
        ('[webhooks.docebo]\npassword = "x"\n', "webhooks.docebo.password"),
        ('[store]\nurl = "postgresql://u:pw@host/db"\n', "store.url"),
        ('[connections.docebo]\nbase_url = "https://u:pw@host"\n', "connections.docebo.base_url"),
        ('[connections.docebo]\npassword = "env:PW"\nclient_id = "x"\n', None),
        ('[general]\ntimezone = "UTC"\n', None),
    ],
)
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o600])
def test_literal_secrets_that_others_can_read_are_refused(load: Load, text: str, place: str | None, mode: int) -> None:
    if place is None or mode == 0o600:
        load(text, mode)
        return
    with pytest.raises(ConfigError) as caught:
        load(text, mode)
    assert place in caught.value.message
    assert caught.value.hint.startswith("chmod 600 ")
    assert "hunter2" not in caught.value.message


def test_a_missing_setting_says_where_to_put_it(load: Load) -> None:
    docebo = load("[connections.docebo]\n").connection("docebo")
    for ask in (docebo.require, docebo.secret):
        name = "client_id" if ask == docebo.require else "password"
        with pytest.raises(SettingMissing) as caught:
            ask(name)
        for word in (f"connections.docebo.{name}", "config.toml", f"CONNECTCTL_DOCEBO_{name.upper()}"):
            assert word in caught.value.message
        assert caught.value.hint == f"connectctl connection set docebo {name}"


def test_values_are_checked_when_they_are_asked_for(load: Load) -> None:
    docebo = load('[connections.docebo]\ngrant = "pasword"\npage_size = 999\nrate = "fast"\n').connection("docebo")
    for name in ("grant", "page_size", "rate"):
        with pytest.raises(SettingInvalid, match=rf"connections\.docebo\.{name} in .*, line \d"):
            docebo.get(name)


def test_references_are_resolved_late(load: Load, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[connections.docebo]\npassword = "env:PW"\nclient_id = "file:id.txt"\n'
    text += '[connections.credly]\ntoken = "tok-1234"\n'
    settings = load(text)
    docebo = settings.connection("docebo")
    with pytest.raises(SecretMissing, match=r"connections\.docebo\.password in .*line 2 refers to env:PW"):
        docebo.secret("password")
    monkeypatch.setenv("PW", "p4ss")
    (home / "id.txt").write_text("the-id\n")
    assert docebo.secret("password").reveal() == "p4ss"
    assert docebo.get("client_id") == "the-id"
    credly = settings.connection("credly")
    assert credly.secret("token").reveal() == "tok-1234"
    assert "tok-1234" not in repr(credly) + repr(settings) + str(vars(credly) if hasattr(credly, "__dict__") else "")
    with pytest.raises(TypeError, match="is a secret"):
        credly.get("token")
    with pytest.raises(LookupError):
        credly.get("nonsense")


def test_secrets_stay_out_of_messages_about_them(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTCTL_CREDLY_TOKEN", "very\x1bsecret")
    with pytest.raises(SettingInvalid) as caught:
        load().connection("credly").secret("token")
    assert "very" not in caught.value.message


@pytest.mark.req("GN-21")
@pytest.mark.parametrize(
    ("kind", "text", "account"),
    [
        ("docebo", 'base_url = "https://Acme.docebosaas.com/manage/v1/user"\nclient_id = "c"', "acme.docebosaas.com"),
        ("docebo", 'base_url = "http://127.0.0.1:8123"', "127.0.0.1"),
        ("credly", 'organization_id = "org|1"', "production/org-1"),
        ("credly", 'base_url = "https://api.credly.com/v1"\norganization_id = "o"', "api.credly.com/o"),
        ("credly", 'environment = "sandbox"\norganization_id = "o"\ntoken = "t"', "sandbox/o"),
    ],
)
def test_the_account_outlives_new_credentials(load: Load, kind: str, text: str, account: str) -> None:
    assert load(f"[connections.{kind}]\n{text}\n").connection(kind).account == account


def test_an_unknown_connection_is_a_usage_error(load: Load) -> None:
    with pytest.raises(UsageError, match=r"did you mean credly\?"):
        load().connection("cerdly")


def test_odd_values(load: Load) -> None:
    settings = load("[connections.docebo]\nclient_id = 4711\nbase_url = ['x']\n")
    with pytest.raises(SettingInvalid, match="must be a text"):
        settings.connection("docebo")
    found: Any = load("[connections.docebo]\nclient_id = 4711\n").connection("docebo").get("client_id")
    assert found == "4711"
