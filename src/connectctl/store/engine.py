"""The border between the store and its database: all that differs from one engine to the next stands here."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from connectctl.errors import DataError

Params = Sequence[Any]
Path = tuple[str, ...]  # names from the outside in, to a value in a document
Condition = tuple[str, list[Any]]  # SQL for WHERE, and its parameters


class DuplicateKey(DataError):
    """A row with the same key is already there."""

    def __init__(self, message: str, *, constraint: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.constraint = constraint  # the index, or table.column, that refused


class Engine(Protocol):
    """One database. SQL comes with `?` for values; errors leave as those of `connectctl.errors`, or `DuplicateKey`.

    Statements run in the transaction of the calling thread where it has one, else each in its own.
    """

    url: str
    where: str  # the file or server, for messages
    serial: str  # column type of an id that is given out once and never again
    json: str  # column type of a document; it keeps the text as it is
    max_params: int

    @property
    def path(self) -> pathlib.Path | None:
        """The file, where there is one."""

    def execute(self, sql: str, params: Params = ()) -> int:
        """The number of rows changed."""

    def executemany(self, sql: str, rows: Iterable[Params]) -> int:
        """The number of rows changed."""

    def insert(self, sql: str, params: Params = ()) -> int:
        """Runs one INSERT and returns the id that the row got."""

    def query(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows."""

    def stream(self, sql: str, params: Params = ()) -> AbstractContextManager[Iterable[tuple[Any, ...]]]:
        """Row by row, of one moment in time. Leave it before anything else is asked of the same thread."""

    def transaction(self) -> AbstractContextManager[None]:
        """Atomic between threads and processes, one writer after the other. An inner one is part of the outer; when
        anything inside raises, everything is rolled back, even if somebody catches the exception half-way.
        """

    def savepoint(self) -> AbstractContextManager[None]:
        """Only inside a transaction: what raises in here is undone alone."""

    def snapshot(self) -> AbstractContextManager[None]:
        """What this thread reads in here is of one moment in time; it writes nothing meanwhile."""

    @property
    def in_transaction(self) -> bool: ...

    def ready(self) -> bool:
        """False when `creation` still has to set the database itself up."""

    def creation(self) -> AbstractContextManager[None]:
        """Lets one process at a time look at the schema and change it."""

    def next_id(self, table: str) -> int:
        """Only inside a transaction: the first id that the `serial` column of the table never gave out."""

    def set_next_id(self, table: str, number: int) -> None:
        """Only inside a transaction: the `serial` column of the table goes on with this number."""

    def upsert(self, table: str, columns: Sequence[str], key: Sequence[str]) -> str:
        """SQL that inserts a row, or sets the other columns of the row with the same key."""

    def json_value(self, path: Path) -> str:
        """SQL for a value in a document, fit for an index; ContractBroken for an odd name."""

    def json_key(self, column: str) -> str:
        """The same for a top-level column with a blank for null or absent, so that blanks are equal to each other."""

    def json_condition(
        self, operator: str, path: Path, operand: Any, *, wide: bool = True, keyed: bool = False
    ) -> Condition | None:
        """True for at least (wide) or at most (narrow) the documents whose value at the path `exists`, is `one_of`
        several, or is of the operand's kind, text or number, and `<`, `<=`, `>`, `>=` the operand in Python. None
        where SQL cannot promise that. NULL counts as false. `keyed`: by the expression of `json_key`.
        """

    def tables(self) -> set[str]:
        """The names of all tables and indexes."""

    def problems(self) -> list[str]:
        """What the database itself finds wrong with its files."""

    def shrink(self, pages: int) -> None:
        """Only inside a transaction: gives up to so many empty pages back to the disk."""

    def close(self) -> None:
        """Closes the connections of all threads of this process."""
