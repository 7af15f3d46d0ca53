"""Python's comparisons of JSON values in SQLite's words, and where the two differ.

A condition is *wide* when it is true for at least the documents for which Python's comparison holds, and *narrow* when
it is true for at most those. One is the other's complement under a negation; neither has to be exact, because TinyDB's
own predicate looks at the rows afterwards. What SQLite (3.31 to 3.51) does otherwise than Python:

- It may read a decimal one unit in the last place off (before 3.47): decimals are looked for in a small interval.
- `json_extract` gives 1 for true, and the text of an array or object: `json_type` tells them apart.
- It may end a text at NUL. Such a text sorts before what it is, but never before a text without NUL that is less.
- NULL < numbers < texts, whatever they are; null and absent are both NULL.
- Keys are compared in their escaped form, therefore only plain ones are compiled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from connectctl.errors import ContractBroken
from connectctl.store.engine import Condition, Path

SAFE_COLUMN = re.compile(r"[^\"'\\\x00-\x1f\x7f\ud800-\udfff]+")
UNSAFE_TEXT = re.compile(r"[\x00\ud800-\udfff]")
EXACT = 2**49  # whole numbers below this are read exactly, also when they are written as 5.0
SLACK = 2.0**-44  # far more than the unit that may be lost, far less than what anybody means by "equal"
TINY = 1e-300
NOTHING: frozenset[str] = frozenset()
WHOLE = "IN ('integer','true','false')"
COMPARISONS = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__")
CASTS = {str: "__str__", int: "__int__", float: "__float__"}  # of the class itself: an Enum has a __str__ of its own


def value(path: Path) -> str:
    """SQL for the value at the path, fit for an index; ContractBroken for an odd name."""
    for name in path:
        if not SAFE_COLUMN.fullmatch(name):
            raise ContractBroken(f"The column name {name!r} cannot be part of a key or an index")
    return f"json_extract(body,'{_steps(path)}')"


def key(column: str) -> str:
    """The same with a blank for null or absent, so that blanks are equal to each other."""
    return f"coalesce({value((column,))},'')"


def usable(path: Path) -> bool:
    """Whether `value` takes the path."""
    # The type is asked outside of the cache: an Enum's name equals the text, but is written otherwise.
    return all(type(name) is str for name in path) and _safe(path)


@lru_cache(512)
def _safe(path: Path) -> bool:
    return bool(path) and all(SAFE_COLUMN.fullmatch(name) for name in path)


def exists(path: Path) -> Condition:
    """Exact, for a usable path."""
    return f"{_kind(path)} IS NOT NULL", []


def one_of(path: Path, operands: Collection[Any], *, wide: bool, keyed: bool, most: int) -> Condition | None:
    """The value equals one of the operands; None where that cannot be promised, or takes more than `most` parameters.
    `keyed`: by the expression of `key`.
    """
    if wide and len(operands) == 1:  # the most frequent question by far
        (operand,) = operands
        if type(operand) is str and operand.isascii() and "\0" not in operand:
            return _wide_one_of(path, keyed, 1, 0, NOTHING), [operand]
    texts: list[str] = []
    whole: list[int] = []
    bounds: list[float] = []
    others: set[str] = set()
    for operand in operands:
        known = plain(operand)
        if operand is None:
            others.add("null")
        elif isinstance(operand, tuple):  # TinyDB's frozen list; a real tuple equals no JSON
            others.add("array")
        elif isinstance(operand, dict):
            others.add("object")
        elif type(known) is str and not UNSAFE_TEXT.search(known):
            texts.append(known)
        elif type(known) is int and abs(known) < EXACT:
            whole.append(known)
        elif isinstance(known, int | float) and (interval := _around(known)):
            bounds += interval
        elif wide:
            return None
    if wide:
        if "null" in others and keyed:
            others.discard("null")
            texts.append("")
        params = [*texts, *whole, *bounds]
        sql = _wide_one_of(path, keyed, len(texts) + len(whole), len(bounds) // 2, frozenset(others))
    else:
        params = [*texts, *whole]
        sql = _narrow_one_of(path, keyed, len(texts), len(whole), "null" in others)
    return (sql, params) if len(params) <= most else None


def compare(path: Path, operator: str, operand: Any, *, wide: bool, keyed: bool) -> Condition | None:
    """The value is of the operand's kind, text or number, and `<`, `<=`, `>`, `>=` holds."""
    known = plain(operand)
    if isinstance(known, str):
        if UNSAFE_TEXT.search(known):
            return None
        return _compare_text(path, operator, wide, keyed), [known]
    if known is None or (interval := _around(known)) is None:
        return None
    low, high = interval
    exact = type(known) is int and abs(known) < EXACT
    bound = high if (operator[0] == "<") == wide else low
    twice = exact and not (wide and len(operator) == 2)  # not counted in the SQL: a path may hold a ? itself
    return _compare_number(path, operator, wide, keyed, exact), [bound, known] if twice else [bound]


def plain(operand: Any) -> str | int | float | None:
    """A text or number without subclass, such as a StrEnum's value; None where it may compare in ways of its own."""
    kind = type(operand)
    if kind is str or kind is int:
        return operand  # type: ignore[no-any-return]
    if kind is bool:
        return int(operand)  # True == 1 in Python, and in SQLite's json_extract
    if kind is float:
        return int(operand) if operand.is_integer() and abs(operand) < EXACT else operand
    for base in (str, int, float):
        if isinstance(operand, base) and all(getattr(kind, name) is getattr(base, name) for name in COMPARISONS):
            return plain(getattr(base, CASTS[base])(operand))
    return None


def _around(number: float) -> tuple[float, float] | None:
    """Between these SQLite reads every number that is equal to this one."""
    try:
        middle = float(number)
    except OverflowError:
        return None
    if not math.isfinite(middle):
        return None
    slack = abs(middle) * SLACK + TINY
    return middle - slack, middle + slack


def _steps(path: Path) -> str:
    return "$" + "".join(f'."{name}"' for name in path)


def _kind(path: Path) -> str:
    return f"json_type(body,'{_steps(path)}')"


def _among(expression: str, number: int) -> str:
    return f"{expression}=?" if number == 1 else f"{expression} IN ({', '.join('?' * number)})"


def _any(terms: list[str]) -> str:
    return terms[0] if len(terms) == 1 else f"({' OR '.join(terms)})" if terms else "1=0"


@lru_cache(512)
def _wide_one_of(path: Path, keyed: bool, exact: int, intervals: int, others: frozenset[str]) -> str:
    found, kind = key(path[0]) if keyed else value(path), _kind(path)
    terms = [_among(found, exact)] if exact else []
    terms += [f"({found} BETWEEN ? AND ?)"] * intervals
    terms += [f"({value(path)} IS NULL AND {kind}='null')"] if "null" in others else []
    return _any(terms + [f"{kind}='{other}'" for other in sorted(others - {"null"})])


@lru_cache(512)
def _narrow_one_of(path: Path, keyed: bool, texts: int, whole: int, null: bool) -> str:
    found, kind = key(path[0]) if keyed else value(path), _kind(path)
    terms = [f"({kind}='text' AND {_among(found, texts)} AND instr(body,'\\u')=0)"] if texts else []
    terms += [f"({kind} {WHOLE} AND {_among(found, whole)})"] if whole else []
    return _any(terms + ([f"{kind}='null'"] if null else []))


@lru_cache(512)
def _compare_text(path: Path, operator: str, wide: bool, keyed: bool) -> str:
    found = key(path[0]) if keyed else value(path)
    if operator == ">" and wide:
        operator = ">="
    if operator == "<=" and not wide:
        operator = "<"
    first = f"{found}>='' AND " if operator[0] == "<" else ""
    return f"({first}{found}{operator}? AND {_kind(path)}='text')"


@lru_cache(512)
def _compare_number(path: Path, operator: str, wide: bool, keyed: bool, exact: bool) -> str:
    found, kind = key(path[0]) if keyed else value(path), _kind(path)
    if wide:
        sql = f"{found}<=?" if operator[0] == "<" else f"{found}>=? AND {found}<''"
        # What equals the bound may only be a decimal that was read a little off.
        return f"({sql} AND ({found}<>? OR {kind}='real'))" if exact and len(operator) == 1 else f"({sql})"
    sql = f"({found}{operator[0]}? AND {found}<'')"
    return f"({sql} OR ({found}{operator}? AND {kind} {WHOLE}))" if exact else sql
