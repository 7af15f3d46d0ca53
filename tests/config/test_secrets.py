import copy
import json
import pickle
import sys
from pathlib import Path
from types import ModuleType

import pytest

from connectctl.config.secrets import Secret, is_reference, known, resolve
from connectctl.errors import SecretMissing

WHERE = "connections.x.token in config.toml"


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("hunter2hunter2")
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>5}", f"{[secret]}"]
    assert not any("hunter" in text for text in shown)
    for leak in (pickle.dumps, json.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(secret)
    assert secret.reveal() == "hunter2hunter2"
    assert not hasattr(secret, "__dict__")


def test_secrets_compare_by_value() -> None:
    assert Secret("é1") == Secret("é1")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_what_was_resolved_is_known_to_the_redaction() -> None:
    resolve("a-long-enough-secret", WHERE)
    assert "a-long-enough-secret" in known()


@pytest.mark.parametrize(
    ("value", "reference"),
    [("env:A", True), ("file:/x", True), ("keyring:x", True), ("env:", False), ("plain", False), ("enva:b", False)],
)
def test_references(value: str, reference: bool) -> None:
    assert is_reference(value) is reference


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOK", "s3cret ")
    assert resolve("env:TOK", WHERE).reveal() == "s3cret "
    for value in ("env:TOK_NONE", "env:TOK_EMPTY"):
        monkeypatch.setenv("TOK_EMPTY", "")
        with pytest.raises(SecretMissing, match=r"connections\.x\.token in config\.toml refers to env:TOK_"):
            resolve(value, WHERE)


@pytest.mark.parametrize(
    ("content", "secret"), [(b"a\n", "a"), (b"a\r\n", "a"), (b"a\n\n", "a\n"), (b" a ", " a "), ("ü".encode(), "ü")]
)
def test_from_a_file_without_its_last_line_break(tmp_path: Path, content: bytes, secret: str) -> None:
    (tmp_path / "tok").write_bytes(content)
    assert resolve(f"file:{tmp_path}/tok", WHERE).reveal() == secret
    assert resolve("file:tok", WHERE, base=tmp_path).reveal() == secret


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe", b"x" * 70_000])
def test_files_that_hold_no_secret(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "tok").write_bytes(content)
    with pytest.raises(SecretMissing, match="tok"):
        resolve("file:tok", WHERE, base=tmp_path)
    with pytest.raises(SecretMissing):
        resolve("file:.", WHERE, base=tmp_path)


def test_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("keyring")
    asked = []

    def get_password(service: str, user: str) -> str | None:
        asked.append((service, user))
        if service == "broken":
            raise RuntimeError("no backend")
        return "from-keyring" if service == "docebo" else None

    fake.get_password = get_password  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", fake)
    assert resolve("keyring:docebo", WHERE).reveal() == "from-keyring"
    assert resolve("keyring:docebo/ada", WHERE).reveal() == "from-keyring"
    assert asked == [("docebo", "connectctl"), ("docebo", "ada")]
    for service in ("other", "broken"):
        with pytest.raises(SecretMissing, match=service):
            resolve(f"keyring:{service}", WHERE)


def test_without_the_keyring_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretMissing) as caught:
        resolve("keyring:docebo", WHERE)
    assert "connectctl[keyring]" in caught.value.hint
