"""Secrets: a type that does not show itself, and the references it is made from."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NoReturn

from connectctl.errors import SecretMissing

MASK = "***"
_REFERENCE = re.compile(r"(env|file|keyring):(.+)", re.DOTALL)
_MAX_FILE = 64 * 1024
_SHORTEST_KNOWN = 6  # shorter words would mask ordinary text

_known: set[str] = set()


class Secret:
    """A value that prints as `***`; `reveal()` gives it to the code that sends it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= _SHORTEST_KNOWN:
            _known.add(value)

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac  # with OpenSSL behind it, the dearest import of every `--help`

        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def known() -> frozenset[str]:
    """Every secret this process has resolved: what logs and error reports mask as a second net."""
    return frozenset(_known)


def is_reference(value: str) -> bool:
    """True for env:NAME, file:PATH and keyring:SERVICE."""
    return _REFERENCE.fullmatch(value) is not None


def resolve(value: str, where: str, *, base: Path | None = None) -> Secret:
    """The secret behind a value, which is a reference or the secret itself.

    `where` is the place of the value, for the message. A relative PATH is looked up in `base`, the folder of
    config.toml. One line break at the end of a file is not part of the secret. Raises SecretMissing.
    """
    match = _REFERENCE.fullmatch(value)
    if match is None:
        return Secret(value)
    scheme, name = match.groups()
    read = {"env": _from_environment, "file": _from_file, "keyring": _from_keyring}[scheme]
    try:
        found = read(name, base)
    except _Missing as missing:
        raise SecretMissing(f"{where} refers to {scheme}:{name}, but {missing}", hint=missing.hint) from None
    return Secret(found)


class _Missing(Exception):
    def __init__(self, why: str, hint: str | None = None) -> None:
        super().__init__(why)
        self.hint = hint


def _from_environment(name: str, base: Path | None) -> str:
    found = os.environ.get(name)
    if not found:
        raise _Missing("that variable is not set" if found is None else "that variable is empty", f"export {name}=…")
    return found


def _from_file(name: str, base: Path | None) -> str:
    path = (base or Path()) / Path(name).expanduser()
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MAX_FILE + 1)
        text = raw.decode("utf-8")
    except OSError as error:
        raise _Missing(f"{path} cannot be read: {error.strerror or error}", f"ls -l {path}") from None
    except UnicodeDecodeError:
        raise _Missing(f"{path} is not UTF-8 text") from None
    if len(raw) > _MAX_FILE:
        raise _Missing(f"{path} is larger than {_MAX_FILE // 1024} KiB")
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise _Missing(f"{path} is empty")
    return text


def _from_keyring(name: str, base: Path | None) -> str:
    """SERVICE is looked up for the user `connectctl`, or as SERVICE/USER."""
    import importlib

    try:
        keyring: Any = importlib.import_module("keyring")
    except ImportError:
        raise _Missing("keyring is not installed", 'pip install "connectctl[keyring]"') from None
    service, _, user = name.partition("/")
    user = user or "connectctl"
    try:
        found = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 - each keyring backend raises errors of its own
        raise _Missing(f"the keyring failed: {type(error).__name__}: {error}") from None
    if not found:
        raise _Missing("the keyring has no such entry", f"keyring set {service} {user}")
    return str(found)
