"""Plan files: a plan that was reviewed, to be carried out later item by item (GN-40)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectctl.errors import ConfigError
from connectctl.flows.entries import change_from_json, change_to_json
from connectctl.model import Change

FORMAT = 1


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What was planned: the flow, its parameters, and the changes with everything frozen."""

    flow: str
    run: str
    created_at: str
    params: Mapping[str, Any]
    changes: tuple[Change, ...]
    writes: frozenset[str] = frozenset()  # the rows to write, each as `row_identity`


def identity(change: Change) -> str:
    """What makes two plans' changes the same request, whatever the run."""
    return change.key("")


def row_identity(action: str, table: str, key: Sequence[str], row: Mapping[str, Any]) -> str:
    """What makes two plans' row writes the same."""
    return json.dumps([action, table, list(key), dict(row)], sort_keys=True, ensure_ascii=False)


def check_place(path: Path) -> None:
    """Raises ConfigError when no plan can be written there; asked before anything is read from a remote."""
    if not path.parent.is_dir() or path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ConfigError(
            f"A plan cannot be written to {path}", hint="--plan-out FILE, in a folder of yours that exists"
        )


def write(
    path: Path,
    flow: str,
    run: str,
    created_at: str,
    params: Mapping[str, Any],
    changes: Iterable[Change],
    writes: Iterable[Mapping[str, Any]] = (),
) -> None:
    """Writes the file whole or not at all, one change at a time, readable by its owner only (it holds addresses)."""
    head = {"connectctl_plan": FORMAT, "flow": flow, "run": run, "created_at": created_at, "params": dict(params)}
    rows = ({name: write[name] for name in ("action", "table", "key", "row", "reason")} for write in writes)
    draft = path.with_name(path.name + ".part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(head, ensure_ascii=False, indent=1)[:-2])
            file.writelines(_list("changes", map(change_to_json, changes)))
            file.writelines(_list("writes", rows))
            file.write("\n}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise ConfigError(f"The plan could not be written to {path}: {error.strerror}") from error


def _list(name: str, items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A list as the next member of an object, an item per line."""
    yield f',\n "{name}": ['
    before = ""
    for item in items:
        yield f"{before}\n  {json.dumps(item, ensure_ascii=False)}"
        before = ","
    yield "]"


def read(path: Path) -> PlanFile:
    """The plan in a file; ConfigError names the place of what is wrong with it."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The plan {path} cannot be read: {error.strerror}", hint=_HINT) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not a plan: {error}", hint=_HINT) from error
    if not isinstance(document, dict) or document.get("connectctl_plan") != FORMAT:
        raise ConfigError(f"{path} is not a plan of this version of connectctl", hint=_HINT)
    try:
        changes = tuple(_change(number, entry) for number, entry in enumerate(document["changes"]))
        params = {str(name): _param(name, value) for name, value in dict(document["params"]).items()}
        writes = frozenset(
            row_identity(write["action"], write["table"], write["key"], write["row"])
            for write in document.get("writes", [])
        )
        created = str(document["created_at"])
        return PlanFile(str(document["flow"]), str(document["run"]), created, params, changes, writes)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is not a whole plan: {error}", hint=_HINT) from error


_HINT = "connectctl flow run FLOW --dry-run --plan-out FILE"


def _change(number: int, entry: object) -> Change:
    if not isinstance(entry, dict) or not isinstance(entry.get("data"), dict):
        raise ValueError(f"change {number} is not an object with data")
    for name in ("action", "holding", "reason", "origin"):
        if not isinstance(entry.get(name), str):
            raise ValueError(f"change {number}: {name} is not a text")
    for name in ("version", "user", "email", "template", "source", "supersedes"):
        if not isinstance(entry.get(name), str | None):
            raise ValueError(f"change {number}: {name} is neither a text nor null")
    return change_from_json(entry)


def _param(name: str, value: object) -> object:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str | bool | None) for text in texts):
        raise ValueError(f"the parameter {name} is neither a text nor a list of texts")
    return value
