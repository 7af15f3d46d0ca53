"""Data to stdout as table, plain lines, CSV or JSON; talk and progress to stderr."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, islice
from types import TracebackType
from typing import Any, Literal, TextIO

Form = Literal["table", "csv", "json"]

_NARROWEST = 8  # a column is not cut below this
_REDRAW = 0.1  # seconds between two pictures of the bar
_MEASURED = 5000  # rows of a table that decide how wide its columns are
_BLOCK = 64 * 1024  # characters
_LINE = 10.0  # seconds between two lines where there is no terminal


def colours(stream: TextIO | None) -> bool:
    """Whether to write colours: NO_COLOR forbids, CLICOLOR_FORCE forces, else on a terminal that is not dumb."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return _terminal(stream) and os.environ.get("TERM") != "dumb"


def emit(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], form: Form | None = None) -> None:
    """Writes rows to stdout. Without a form: a table on a terminal, tab-separated lines elsewhere.

    JSON holds the rows as they are; the other forms the named columns. Remote text is cleaned in what people read;
    JSON escapes it and CSV keeps it.
    """
    if form == "json":
        emit_json(list(rows))
    elif form == "csv":
        write(csv_text(rows, columns))
    elif form == "table" or _terminal(sys.stdout):
        write_all(_table(rows, columns))
    else:
        lines = chain([columns], ([cell(row.get(name)) for name in columns] for row in rows))
        write_all("\t".join(line) + "\n" for line in lines)


def emit_json(document: Any) -> None:
    """Exactly one JSON document on stdout, UTF-8; C1 and bidi characters escaped, as a terminal might obey them."""
    write(_json(document) + "\n")


def emit_json_list(items: Iterable[Any]) -> None:
    """The same for a long list, item by item in little memory."""

    def pieces() -> Iterator[str]:
        before = "["
        for item in items:
            yield before + "\n  " + _json(item).replace("\n", "\n  ")
            before = ","
        yield "[]\n" if before == "[" else "\n]\n"

    write_all(pieces())


def emit_json_object(head: Mapping[str, Any], lists: Mapping[str, Iterable[Any]]) -> None:
    """One JSON object: `head`, then long lists by name, item by item in little memory."""

    def pieces() -> Iterator[str]:
        yield _json(head)[:-2] if head else "{"
        between = "," if head else ""
        for name, items in lists.items():
            yield f'{between}\n  "{name}": ['
            before = ""
            for item in items:
                yield before + "\n    " + _json(item).replace("\n", "\n    ")
                before = ","
            yield "\n  ]" if before else "]"
            between = ","
        yield "\n}\n"

    write_all(pieces())


def _json(document: Any) -> str:
    import json

    return _unsafe().sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(document, ensure_ascii=False, indent=2))


@cache
def _unsafe() -> re.Pattern[str]:
    return re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff]")


def csv_text(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """CSV for listings (RFC 4180); cells that a spreadsheet would take for a formula are protected by a quote."""
    import csv

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_protected(_text(row.get(name))) for name in columns])
    return buffer.getvalue()


class OutputLost(Exception):
    """Stdout took no more; its cause is the OSError."""


def write(text: str) -> None:
    """Writes data to stdout as UTF-8, whatever the locale. Raises OutputLost."""
    if sys.stdout is None:
        return
    raw = getattr(sys.stdout, "buffer", None)
    try:
        if raw is None:
            sys.stdout.write(text)
        else:
            sys.stdout.flush()
            raw.write(text.encode("utf-8", "backslashreplace"))
            raw.flush()
    except OSError as error:
        raise OutputLost from error


def write_all(pieces: Iterable[str]) -> None:
    """The same for a long text, in blocks."""
    block: list[str] = []
    size = 0
    for piece in pieces:
        block.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            write("".join(block))
            block, size = [], 0
    write("".join(block))


def talk(text: str) -> None:
    """One line to the person, on stderr. A stderr that is gone is nobody's fault."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(cell(text) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def cell(value: Any) -> str:
    """A value as one line of safe text; a blank one is empty."""
    from connectctl.http.redact import clean

    return clean(_text(value), limit=100_000)


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(letter) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def cut(text: str, room: int) -> str:
    """The text in at most `room` columns, with an ellipsis where something is missing."""
    if width(text) <= room:
        return text
    kept, used = "", 0
    for letter in text:
        used += width(letter)
        if used > room - 1:
            break
        kept += letter
    return kept + "…"


def _table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """The lines, as wide as the first rows ask for; so a long list needs no more memory than a short one."""
    following = ([cell(row.get(name)) for name in columns] for row in rows)
    lines = [list(columns), *islice(following, _MEASURED)]
    widths = [max(width(line[index]) for line in lines) for index in range(len(columns))]
    narrow = _terminal(sys.stdout)
    if narrow:
        widths = _fitted(widths, shutil.get_terminal_size().columns - 2 * (len(columns) - 1))
    for number, line in enumerate(chain(lines, following)):
        cells = [cut(words, room) for words, room in zip(line, widths, strict=True)] if narrow else line
        padded = [words + " " * (room - width(words)) for words, room in zip(cells, widths, strict=True)]
        joined = "  ".join(padded).rstrip()
        yield (f"\x1b[1m{joined}\x1b[0m" if number == 0 and colours(sys.stdout) else joined) + "\n"


def _fitted(widths: list[int], room: int) -> list[int]:
    """Takes from the widest column until all fit or none can give."""
    widths = list(widths)
    while sum(widths) > room and max(widths, default=0) > _NARROWEST:
        widest = max(range(len(widths)), key=widths.__getitem__)
        others = max((found for index, found in enumerate(widths) if index != widest), default=0)
        least = max(others - 1, _NARROWEST)
        widths[widest] = max(least, widths[widest] - (sum(widths) - room), _NARROWEST)
    return widths


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value)
    return str(value)


def _protected(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


class Progress:
    """A bar on a terminal, one line every ten seconds elsewhere, nothing with `quiet`. Safe to use from threads."""

    def __init__(
        self,
        label: str,
        total: int | None = None,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self._stream = sys.stderr if stream is None else stream
        self._quiet = quiet or self._stream is None
        self._bar = _terminal(self._stream) and os.environ.get("TERM") != "dumb"
        self._clock = clock
        self._shown = clock() - (_REDRAW if self._bar else 0)
        self._drawn = 0
        self._lock = threading.Lock()

    def advance(self, steps: int = 1, *, label: str | None = None, total: int | None = None) -> None:
        """So many steps more are done; label and total may change on the way."""
        with self._lock:
            self.done += steps
            self.label = self.label if label is None else label
            self.total = self.total if total is None else total
            now = self._clock()
            if not self._quiet and now - self._shown >= (_REDRAW if self._bar else _LINE):
                self._shown = now
                self._write(self._picture() if self._bar else self._counts() + "\n")

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Takes the bar off the screen, so that a line or a question can stand there; the next step draws it again."""
        with self._lock:
            if self._drawn:
                self._write("\r" + " " * self._drawn + "\r")
                self._drawn = 0

    def _counts(self) -> str:
        return f"{cell(self.label)}: {self.done}" + (f" of {self.total}" if self.total else "")

    def _picture(self) -> str:
        line = self._counts()
        if self.total:
            filled = min(20, self.done * 20 // self.total)
            line = f"[{'#' * filled}{'.' * (20 - filled)}] {line}"
        line = cut(line, max(_NARROWEST, shutil.get_terminal_size().columns - 1))
        rest = max(0, self._drawn - width(line))
        self._drawn = width(line)
        return f"\r{line}{' ' * rest}"

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError, AttributeError):
            self._quiet = True  # nobody looks any more
