"""TinyDB queries as SQL conditions that are sure to hold for at least all rows that match.

TinyDB's own predicate looks at every row afterwards, so a condition may be too wide but never too narrow. What is not
understood is not compiled: slow, never wrong. Under a `not` the sides change: the complement of what is too wide is too
narrow, so there the part is compiled to hold for *at most* the rows that match.

A query describes itself in `_hash`, which is private to TinyDB but has kept its shape since 4.0; a test pins every
shape used here. The description leaves something out where it must not be trusted: `matches` and `search` lack their
flags, and `any`, `all`, `test` and `map` hold code. It is taken when the query is made: a list that is changed later
is not seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from connectctl.store.engine import Condition, Engine

EVERY: Condition = ("1=1", [])
NONE: Condition = ("1=0", [])
ORDERS = ("<", "<=", ">", ">=")
LONGEST = 20_000  # characters of SQL, and
DEEPEST = 12  # brackets in each other: far below what makes a database give up on an expression


def only_compares(query: Any) -> bool:
    """Whether a TypeError of the query's predicate can only mean that a row's value is of another kind than the text
    or number it is compared with: nothing in it is the caller's own code.
    """
    return _only_compares(getattr(query, "_hash", None))


class Compiler:
    """Compiles queries for one engine. `keyed`: the columns that are looked up by the index of the key."""

    def __init__(self, engine: Engine, keyed: Collection[str] = ()) -> None:
        self._engine = engine
        self._keyed = keyed

    def __call__(self, query: Any) -> Condition | None:
        """SQL for WHERE and its parameters, or None: scan."""
        found = self._condition(getattr(query, "_hash", None), wide=True)
        return None if found is EVERY or len(found[0]) > LONGEST else found

    def _condition(self, shape: Any, *, wide: bool, depth: int = 0) -> Condition:
        unknown = EVERY if wide else NONE
        if shape == ():  # noop
            return EVERY
        if not isinstance(shape, tuple) or len(shape) < 2 or depth > DEEPEST:
            return unknown
        operator, *parts = shape
        if operator == "not":
            return _negated(self._condition(parts[0], wide=not wide, depth=depth + 1))
        if operator in ("and", "or"):
            found = [self._condition(part, wide=wide, depth=depth + 1) for part in _flat(operator, parts[0])]
            return self._joined(operator, found, wide=wide)
        path = parts[0]
        if not isinstance(path, tuple):
            return unknown
        if operator == "!=":
            there = self._leaf("exists", path, None, wide=wide)
            return self._joined("and", [there, _negated(self._equals(path, parts[1], wide=not wide))], wide=wide)
        if operator == "==":
            return self._equals(path, parts[1], wide=wide)
        if operator == "one_of":
            # `value in "text"` looks for a part of the text; a generator can be read only once.
            return self._leaf(operator, path, parts[1], wide=wide) if _is_list(parts[1]) else unknown
        if operator in ORDERS:
            return self._leaf(operator, path, parts[1], wide=wide)
        return self._leaf(operator, path, None, wide=wide) if operator == "exists" else unknown

    def _equals(self, path: Any, operand: Any, *, wide: bool) -> Condition:
        return self._leaf("one_of", path, (operand,), wide=wide)

    def _leaf(self, operator: str, path: Any, operand: Any, *, wide: bool) -> Condition:
        keyed = len(path) == 1 and path[0] in self._keyed
        found = self._engine.json_condition(operator, path, operand, wide=wide, keyed=keyed)
        if found is None:
            return EVERY if wide else NONE
        return NONE if found[0] == NONE[0] else found

    def _joined(self, operator: str, parts: Sequence[Condition], *, wide: bool) -> Condition:
        neutral, deciding = (EVERY, NONE) if operator == "and" else (NONE, EVERY)
        if any(part is deciding for part in parts):
            return deciding
        parts = sorted((part for part in parts if part is not neutral), key=lambda part: part[0])
        while sum(len(params) for _, params in parts) > self._engine.max_params:
            if (operator == "and") != wide:
                return EVERY if wide else NONE
            parts.pop()  # makes what should be wide wider, and what should be narrow narrower
        if len(parts) < 2:
            return parts[0] if parts else neutral
        glue = f" {operator.upper()} "
        return f"({glue.join(sql for sql, _ in parts)})", [param for _, params in parts for param in params]


def _flat(operator: str, parts: Iterable[Any]) -> Iterator[Any]:
    """`a | b | c` is one `or` inside another."""
    waiting = list(parts)
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple) and part and part[0] == operator:
            waiting += part[1]
        else:
            yield part


def _negated(condition: Condition) -> Condition:
    if condition is EVERY or condition is NONE:
        return NONE if condition is EVERY else EVERY
    return f"({condition[0]}) IS NOT TRUE", condition[1]  # NOT NULL would be NULL


def _is_list(operand: Any) -> bool:
    return isinstance(operand, tuple | frozenset)


def _only_compares(shape: Any) -> bool:
    if not isinstance(shape, tuple) or len(shape) < 2:
        return shape == ()
    operator, *parts = shape
    if operator == "not":
        return _only_compares(parts[0])
    if operator in ("and", "or"):
        return all(_only_compares(part) for part in parts[0])
    if operator in ORDERS:
        return isinstance(parts[1], str | int | float)
    if operator in ("matches", "search"):
        return isinstance(parts[1], str)
    return operator in ("exists", "==", "!=") or (operator == "one_of" and _is_list(parts[1]))
