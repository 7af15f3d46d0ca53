"""TinyDB queries as SQL conditions, where the answer is sure to hold at least all rows that match.

TinyDB's own predicate looks at every row afterwards, so a condition may be too wide but never too narrow. What is not
understood is not compiled: slow, never wrong. A query describes itself in `_hash`, which is private to TinyDB but has
kept its shape since 4.0; a test pins every shape used here. `matches` and `search` leave their flags out of it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from connectctl.store.engine import Engine

Condition = tuple[str, list[Any]]


def compile_query(query: Any, engine: Engine, keys: Collection[str], indexes: Collection[str]) -> Condition | None:
    """(SQL, parameters) for equality, one_of and their conjunctions on key and index columns; None means scan."""
    return _compile(getattr(query, "_hash", None), engine, keys, indexes)


def _compile(shape: Any, engine: Engine, keys: Collection[str], indexes: Collection[str]) -> Condition | None:
    if not isinstance(shape, tuple) or not shape:
        return None
    if shape[0] == "and" and len(shape) == 2:
        parts = [_compile(part, engine, keys, indexes) for part in shape[1]]
        known = [part for part in parts if part is not None]  # leaving one out makes the answer wider
        params = [param for part in known for param in part[1]]
        if not known or len(params) > engine.max_params:
            return known[0] if known else None
        return " AND ".join(f"({sql})" for sql, _ in known), params
    if shape[0] not in ("==", "one_of") or len(shape) != 3:
        return None
    _, path, operand = shape
    if not isinstance(path, tuple) or len(path) != 1 or path[0] not in {*keys, *indexes}:
        return None
    if shape[0] == "==":
        return equals(engine, path[0], (operand,), key=path[0] in keys)
    # `value in "text"` looks for a part of the text; a generator can be read only once.
    return equals(engine, path[0], operand, key=path[0] in keys) if isinstance(operand, tuple | frozenset) else None


def equals(engine: Engine, column: str, values: Collection[Any], *, key: bool) -> Condition | None:
    """A condition true for every row whose column equals one of the values; None where SQL cannot promise it."""
    params: list[Any] = []
    blank = False
    for value in values:
        candidates = () if value is None else engine.json_candidates(value)
        if candidates is None:
            return None
        blank = blank or value is None
        params += candidates
    expression = engine.json_key(column) if key else engine.json_value(column)
    if blank and key:
        params.append("")
        blank = False
    if len(params) > engine.max_params:
        return None
    if not params:
        return (f"{expression} IS NULL" if blank else "1=0"), []
    sql = f"{expression} IN ({', '.join('?' * len(params))})" if len(params) != 1 else f"{expression}=?"
    return (f"{sql} OR {expression} IS NULL" if blank else sql), params
