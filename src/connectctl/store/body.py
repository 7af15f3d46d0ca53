"""A document as the text that the database holds, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tinydb.table import Document

from connectctl.errors import StoreCorrupt

SURROGATE = re.compile("[\ud800-\udfff]")
DEEPEST = 500  # arrays and objects in each other; databases and Python's own parser give up at 1,000 or later
CONTAINERS = (dict, list, tuple)
Json = Mapping[str, Any]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_decode = json.JSONDecoder().raw_decode  # without the search for blanks around the text


class Row(Document):
    """A document with its id and its revision, which every change counts up."""

    def __init__(self, value: Json, doc_id: int, rev: int = 1) -> None:
        dict.__init__(self, value)  # Document does the same, one call further away
        self.doc_id = doc_id
        self.rev = rev


def dump(document: Json) -> str:
    """The document as JSON text. TypeError for what JSON does not have, NaN among it, and for a very deep one."""
    plain = document if type(document) is dict else dict(document)
    try:
        only_texts = _only_texts(plain, DEEPEST)
        body = _encode(plain)
    except ValueError as error:
        raise TypeError(f"a document must be JSON: {error}") from None
    if not only_texts:  # 1 and "1" are one key in JSON: of two the last one counts, also for the database
        body = _encode(load(body))
    if body.isascii():
        return body
    # Half a surrogate pair, as a remote that cuts a text leaves it, has no UTF-8; JSON can spell it out.
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", body)


def load(body: str, table: str = "") -> Any:
    """The document of a text made by `dump`; StoreCorrupt, naming the table, where the disk has spoilt it."""
    try:
        return _decode(body)[0]
    except ValueError as error:
        raise StoreCorrupt(f"A row of the table {table} is damaged ({error})", hint="connectctl store check") from error


def _only_texts(value: Any, deepest: int) -> bool:
    """Whether all keys are texts."""
    if not deepest:
        raise TypeError(f"a document must not be nested deeper than {DEEPEST}")
    only_texts = True
    if isinstance(value, dict):
        for name in value:
            only_texts = only_texts and type(name) is str
        value = value.values()
    for part in value:
        if isinstance(part, CONTAINERS):
            only_texts = _only_texts(part, deepest - 1) and only_texts
    return only_texts
