"""The border around other people's code: what it raises or prints while it is loaded stays with it."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any

from connectctl.errors import ContractBroken

if TYPE_CHECKING:
    from connectctl.plugins.specs import Target

# There is one stdout: two threads that turned it away at once would put it back in the wrong order.
_one = threading.RLock()


@contextmanager
def quiet_stdout() -> Iterator[None]:
    """Sends what is printed meanwhile to stderr: stdout belongs to the command's data.

    Also at the level of file descriptors, for child processes and C libraries.
    """
    with _one, redirect_stdout(sys.stderr):
        real = sys.__stdout__
        try:
            if real is None or real.closed:
                raise OSError
            real.flush()
            saved = os.dup(real.fileno())
        except (OSError, ValueError):  # closed, or not a file: nothing to protect
            yield
            return
        try:
            with suppress(OSError):
                os.dup2(2, real.fileno())
            yield
        finally:
            with suppress(OSError, ValueError):
                real.flush()
            os.dup2(saved, real.fileno())
            os.close(saved)


@contextmanager
def held(faults: list[str]) -> Iterator[None]:
    """Turns whatever is raised inside into a line in `faults`, sys.exit included; only Ctrl-C passes."""
    try:
        with quiet_stdout():
            yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the plugin border: even sys.exit must not take the tool down
        faults.append(describe(error))


def describe(error: BaseException) -> str:
    """An exception in one line."""
    if isinstance(error, SystemExit):
        return f"it called sys.exit({'' if error.code is None else repr(error.code)})"
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def resolve(target: Target, owner: str) -> Any:
    """The object behind a target, imported now; raises ContractBroken with the owner's name when it is not there."""
    if not isinstance(target, str):
        if not callable(target):
            raise ContractBroken(f"The plugin {owner} gives {target!r} where a function or 'module:name' is expected")
        return target
    module_name, colon, attribute = target.partition(":")
    if not (module_name and colon and attribute):
        raise ContractBroken(f"The plugin {owner} gives the target {target!r}; it should read 'module:name'")
    found = sys.modules.get(module_name)
    if found is None or getattr(getattr(found, "__spec__", None), "_initializing", False):
        faults: list[str] = []
        with held(faults):
            found = importlib.import_module(module_name)
        if faults:
            raise ContractBroken(f"The plugin {owner} could not be used: {target} cannot be imported: {faults[0]}")
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise ContractBroken(f"The plugin {owner} names {target}, but {module_name} has no {attribute}") from None
    return found
