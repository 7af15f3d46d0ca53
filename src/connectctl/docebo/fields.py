"""Additional fields, dropdowns above all (docebo.md 4.3, 4.4, 4.7): found by name, read, created, changed.

`of` says whose they are, the courses' or the learning plans'; ids may repeat between the two.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectctl.docebo.client import Docebo, OnBad, Source, says_missing
from connectctl.docebo.parse import ident, kind, number, record, text
from connectctl.errors import ConfigError, DataError, NotFound, Rejected
from connectctl.http.answers import refusal_words

log = logging.getLogger("connectctl.docebo")

Of = Literal["course", "plan"]
WORDS = {"course": "course", "plan": "learning plan"}
_LISTS = {"course": "course_fields_write", "plan": "lp_fields"}
_SINGLE = {"course": "course_field", "plan": "lp_field"}
_PLACES = {"course": "Course management", "plan": "Learning plan management"}
_PREFERRED = ("english", "all")  # language names, or the pseudo language (docebo.md 3.7)


@dataclass(frozen=True, slots=True)
class Option:
    """An element of a dropdown; `labels` are its texts in all languages, `label` the one to show."""

    id: str
    label: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldDef:
    """A field's definition; a list often leaves the options out, `get` has them."""

    id: str
    name: str
    type: str
    options: tuple[Option, ...] = ()


def walk(docebo: Docebo, *, of: Of = "course", on_bad: OnBad | None = None) -> Iterator[FieldDef]:
    """All fields. Of courses the newer list; the older one where that is not offered."""
    if of == "plan":
        yield from docebo.walk(Source(_LISTS[of], definition, {}), on_bad=on_bad)
        return
    newer, older = Source("course_fields_write", definition, {}), Source("course_fields", definition, {})
    try:
        yield from docebo.walk(newer, older, on_bad=on_bad)
    except Rejected as error:
        # Where the newer service lacks this list, the path reads as "the course with the id `fields`".
        if error.status not in (400, 405) or error.path != docebo.paths.path("course_fields_write"):
            raise
        yield from docebo.walk(older, on_bad=on_bad)


def find(docebo: Docebo, name: str, of: Of = "course") -> FieldDef | None:
    """The field with exactly this name after trimming, or None.

    Raises ConfigError when several have it, DataError when it is not there but a row could not be read: None leads to
    a new field, and must not be a guess.
    """
    wanted = name.strip()
    bad: list[str] = []
    found = {item.id: item for item in walk(docebo, of=of, on_bad=bad.append) if item.name.strip() == wanted}
    if bad and not found:
        raise DataError(bad[0])
    if len(found) > 1:
        raise ConfigError(
            f"Docebo has {len(found)} {WORDS[of]} fields named {wanted!r} (ids {', '.join(sorted(found))}).",
            hint=f"rename all but one in Docebo: Admin menu, {_PLACES[of]}, Additional fields",
        )
    return next(iter(found.values()), None)


def get(docebo: Docebo, field: str, of: Of = "course") -> FieldDef:
    """One field with its options. Raises NotFound, DataError for options that cannot be read."""
    try:
        return definition(docebo.one(_SINGLE[of], field), field)
    except DataError as error:
        raise DataError(f"Docebo {WORDS[of]} field {field}: {error.message}") from None
    except (NotFound, Rejected) as error:
        if not says_missing(error):
            raise
        missing = error
    found = next((item for item in walk(docebo, of=of) if item.id == field), None)
    if found is None:
        raise missing
    return found


def create(docebo: Docebo, name: str, of: Of = "course") -> str:
    """Creates an empty dropdown and returns its id. Raises RemoteUnsure when the answer is lost: look with `find`."""
    body = {
        "type": "dropdown",
        "translations": {docebo.language: name.strip()},
        "mandatory": False,
        "visible_to_user": False,
        "dropdown_options": [],
    }
    place = docebo.place("POST", _LISTS[of])
    with docebo.writing:
        answer = docebo.http.post(place.path, body)
    data = record(answer, place)
    try:
        return ident(data, "id", "field_id", "course_field_id", "id_field", "user_field_id")
    except DataError:
        found = find(docebo, name, of)  # it was accepted; what it is called is in the list
        if found is None:
            raise place.bad("the new field has no id and is not in the list") from None
        return found.id


def change_options(
    docebo: Docebo,
    field_id: str,
    new: Sequence[str] = (),
    renamed: Sequence[tuple[str, str]] = (),
    deleted: Sequence[str] = (),
    *,
    of: Of = "course",
) -> tuple[str, ...]:
    """Adds, renames and deletes elements in one request; the caller reads the field again and compares.

    Returns what Docebo said about single elements while it did the rest. A repeated request would add the new elements
    twice, so RemoteUnsure is raised when the answer is lost, unless elements are only renamed.
    """
    changes: dict[str, list[dict[str, Any]]] = {
        "new": [{"translations": {docebo.language: label}} for label in new],
        "updated": [{"id_option": number(id), "translations": {docebo.language: label}} for id, label in renamed],
        "deleted": [{"id_option": number(id)} for id in deleted],
    }
    body = {"dropdown_options": {name: items for name, items in changes.items() if items}}
    if not body["dropdown_options"]:
        return ()
    if len(new) > docebo.max_dropdown_elements:
        raise ConfigError(
            f"{len(new)} new elements do not fit into a Docebo dropdown, which holds {docebo.max_dropdown_elements}.",
            hint="connectctl lookup list",
        )
    place = docebo.place("PUT", _SINGLE[of], field_id)
    with docebo.writing:
        answer = docebo.http.put(place.path, body, repeatable=not new and not deleted)
    data = record(answer or {}, place)
    problems = data.get("error_messages") or data.get("errors")
    words = refusal_words(problems) if problems else ""
    if words:
        log.warning("Docebo PUT %s: %s", place.path, words)
    return (words,) if words else ()


def definition(row: Mapping[str, Any], expected: str | None = None) -> FieldDef:
    """A field from any generation's row. Raises DataError."""
    found = ident(row, "id", "field_id", "id_field")
    if expected is not None and found != expected:
        raise DataError(f"Docebo answered with field {found} instead of {expected}")
    name = _name(row)
    options = next((row[key] for key in ("dropdown_options", "options", "elements") if row.get(key) is not None), None)
    try:
        return FieldDef(found, name, (text(row, "type", "type_field") or "").lower(), _options(options))
    except DataError as error:
        raise DataError(f"field {found} ({name[:60]}): {error.message}") from None


def _name(row: Mapping[str, Any]) -> str:
    translations = row.get("translations")
    if isinstance(translations, Mapping) and not any(row.get(key) for key in ("name", "name_field", "title")):
        return next(iter(_labels(translations)), "")
    return text(row, "name", "name_field", "title") or ""


def _options(value: Any) -> tuple[Option, ...]:
    if value is None:
        return ()
    if isinstance(value, Mapping):  # {"31": "Gold"}
        value = [{"id": key, "label": label} for key, label in value.items()]
    if not isinstance(value, list):
        raise DataError(f"its options are {kind(value)}, not a list")
    found: dict[str, Option] = {}
    for item in value:
        if not isinstance(item, Mapping):
            raise DataError(f"an option is {kind(item)}, not an object")
        option = ident(item, "id", "option_id", "id_option", "value_id")
        labels = _labels(item.get("translations"))
        if not labels:
            label = text(item, "label", "name", "title", "value", "translation")
            labels = (label,) if label else ()
        found.setdefault(option, Option(option, labels[0] if labels else "", labels))
    return tuple(found.values())


def _labels(translations: Any) -> tuple[str, ...]:
    """The texts of all languages, the preferred first, blank ones left out."""
    if not isinstance(translations, Mapping):
        return ()
    order = sorted(translations, key=lambda name: _PREFERRED.index(name) if name in _PREFERRED else 9)
    texts = [text(translations, name) for name in order]
    return tuple(dict.fromkeys(item for item in texts if item))
