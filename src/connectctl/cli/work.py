"""A table in the person's own editor: opened as often as it takes, and saved whole or not at all."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from connectctl.cli.session import Session
from connectctl.errors import ConfigError, ConfirmationNeeded, SettingInvalid

if TYPE_CHECKING:
    from connectctl.cli.changes import Changes
    from connectctl.cli.kept import Kept
    from connectctl.cli.saving import Basis, Saved
    from connectctl.cli.sheet import Fault
    from connectctl.plugins.specs import TableSpec

PASSES = 10  # without a terminal; a script that never gets it right must end
LISTED = 20
AT_ONCE = 2.0  # seconds; nobody has read a table and closed the editor in less
ACCEPT = "To save the text as it stands, delete this line."


class Work:
    """One table in the editor, from the first opening to its end."""

    def __init__(
        self, session: Session, spec: TableSpec, kept: Kept, basis: Basis, command: list[str], resumed: bool
    ) -> None:
        self.session = session
        self.spec = spec
        self.kept = kept
        self.basis = basis
        self.command = command
        self.resumed = resumed
        self.said: list[str] = []  # what is wrong with the text that lies in the file
        self.remarks: list[str] = []
        self.yes = self.dry_run = self.merged = False

    @property
    def again(self) -> str:
        """The command that goes on with the text."""
        return self.session.command(("lookup", "edit", self.spec.name, "--resume", str(self.kept.file)))

    def loop(self, given: list[str]) -> None:
        """Opens the editor until the text is saved, given up, or comes back as it was refused before."""
        from connectctl.cli.remarks import without_notes
        from connectctl.cli.sheet import no_row, with_commas

        first = not self.resumed
        refused: set[str] = set()
        for _ in itertools.count() if self.session.interactive else range(PASSES):
            lines, quick = self._edited(given, first)
            if lines == given and not (self.resumed and self.yes and not self.merged):
                if first:
                    return self._end("Nothing was changed", quick)
                raise self._refusal("the text came back as it was")
            text = with_commas(without_notes(lines), self.spec)
            done, faults, again = self._pass(text)
            if done:
                return None
            if again is None:
                seen = "\n".join(line for line in text if not no_row(line))
                given, self.said = self._noted(text, faults)
                given = self.kept.write(given)
                if seen in refused:
                    raise self._refusal("the same errors again")
                refused.add(seen)
                self.session.say(f"{_count(len(faults))} in the text of {self.spec.title}; the editor opens again")
            else:
                given, self.said = again, []
            first = False
        raise self._refusal(f"{PASSES} attempts were refused")

    def _edited(self, given: list[str], first: bool) -> tuple[list[str], bool]:
        """The lines that the editor leaves, and whether it ended at once. Raises ConfigError where it failed."""
        from connectctl.cli.editor import run_editor

        started = time.monotonic()
        code = run_editor(self.command, self.kept.file)
        self.kept.protect()
        lines = self.kept.read()
        if code:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            words = f"The editor {self.command[0]} {how}; nothing was saved"
            if lines == given and first:
                self.kept.discard()
                raise ConfigError(words, hint="export EDITOR=nano")
            raise ConfigError(words, hint=self.again)
        return lines, time.monotonic() - started < AT_ONCE

    def _pass(self, text: list[str]) -> tuple[bool, Sequence[Fault], list[str] | None]:
        """Whether all is done; else the faults, or the text that shows what others did meanwhile."""
        from connectctl.cli.changes import compare
        from connectctl.cli.saving import save
        from connectctl.cli.sheet import parse

        parsed = parse(text, self.spec, self.basis.shown)
        if parsed.blank:
            self._end("Given up: nothing was changed")
            return True, (), None
        changes = compare(parsed, self.spec, self.basis.shown)
        faults = [*changes.faults, *self._bad_settings(changes)]
        if faults:
            return False, faults, None
        if not changes.any:
            self._end("Nothing was changed")
            return True, (), None
        if not self.dry_run:
            self._confirm_removals(changes, len(parsed.lines))
        saved = save(self.session.store, self.spec, changes, self.basis, self.dry_run)
        if saved.faults:
            return False, saved.faults, None
        if saved.conflicts:
            return False, (), self._conflicting(text, saved)
        self._finish(saved)
        return True, (), None

    def _noted(self, text: list[str], faults: Sequence[Fault]) -> tuple[list[str], list[str]]:
        from connectctl.cli.remarks import NOTE, noted

        top = f"Nothing was saved: {_count(len(faults))}, each above its line. Look for {NOTE}"
        return noted(text, {}, sorted(faults, key=lambda fault: fault.place), [top])

    # --- settings

    def _bad_settings(self, changes: Changes) -> Iterator[Fault]:
        """What the integrations say to the settings that the text touches (GN-08 to GN-10)."""
        from connectctl.cli.sheet import Fault

        self.remarks = []
        if self.spec.name != "integration-settings":
            return
        from connectctl.cli.settings import check_setting

        collector = _Collector(self.session.plugins)
        for change in changes.changes:
            integration, key, value = (text.strip() for text in change.texts)
            try:
                check_setting(collector, integration, key, value or None)
            except SettingInvalid as error:
                words = error.message.removeprefix(f"{integration} {key} ")
                yield Fault(change.place, "Value", words)
        self.remarks = collector.remarks

    # --- ends

    def _end(self, words: str, quick: bool = False) -> None:
        self.kept.discard()
        self.session.say(f"{self.spec.title}: {words[0].lower()}{words[1:]}")
        if quick:
            self.session.say("Remark: an editor with windows needs an option to wait, such as EDITOR='code --wait'")

    def _finish(self, saved: Saved) -> None:
        from connectctl.cli.output import write

        if self.dry_run:
            write("".join(f"{line}\n" for line in _told(saved, self.spec)))
            self.session.say(f"Would be in {self.spec.title}: {saved}")
            self.session.say(f"Your text is kept: {self.again}")
            return
        self.kept.discard()
        self.session.say(f"{self.spec.title}: {saved}")
        for remark in dict.fromkeys(self.remarks):
            self.session.say(remark)

    def _confirm_removals(self, changes: Changes, left: int) -> None:
        count, shown = len(changes.removed), len(self.basis.shown)
        if count <= max(5, shown // 10) and not (count and left == 0):
            return
        if not self.session.confirm(f"Remove {count} of {shown} rows of {self.spec.title}?", self.yes):
            raise ConfirmationNeeded(
                f"The text removes {count} of {shown} rows of {self.spec.title}; nothing was saved",
                hint=f"{self.again} --yes",
            )

    def _refusal(self, why: str) -> ConfigError:
        listed = self.said[:LISTED]
        if len(self.said) > LISTED:
            listed.append(f"and {len(self.said) - LISTED} more")
        words = f"Nothing was saved in {self.spec.title}: {why}" + (f" ({_count(len(self.said))})" if self.said else "")
        return ConfigError("\n".join([words, *listed]), hint=self.again)

    # --- others

    def _conflicting(self, text: list[str], saved: Saved) -> list[str]:
        """On a terminal, if wanted, the text with their rows in it; else raises ConfigError with what differs."""
        from connectctl.cli.changes import rebase
        from connectctl.cli.remarks import noted

        told = list(_differences(saved, self.basis, self.spec))
        count = len(saved.conflicts)
        rows = "one row" if count == 1 else f"{count} rows"
        words = f"Nothing was saved in {self.spec.title}: somebody else changed {rows} meanwhile"
        if not self.session.interactive:
            raise ConfigError("\n".join([words, *told]), hint=self.again)
        for line in (*told, words):
            self.session.say(line)
        if not click.confirm("Open your text again, with their rows shown?", default=True, err=True):
            raise ConfigError(words, hint=self.again)
        rebased = rebase(text, self.spec, self.basis.shown, saved.conflicts)
        lines, _ = noted(rebased.lines, rebased.notes, (), [f"{words}. {ACCEPT}"])
        self.basis = replace(self.basis, shown=rebased.shown)
        # In this order: the old text must never be compared with the new rows.
        lines = self.kept.write(lines)
        self.kept.write_basis(self.spec.name, self.basis)
        self.merged = True
        return lines


class _Collector(Session):
    """Takes the remarks that are to be shown after saving."""

    def __init__(self, plugins: Any) -> None:
        super().__init__(plugins)
        self.remarks: list[str] = []

    def say(self, text: str) -> None:
        self.remarks.append(text)


# --- words


def _count(errors: int) -> str:
    return "one error" if errors == 1 else f"{errors} errors"


def _told(saved: Saved, spec: TableSpec) -> Iterable[str]:
    """Each change as a line, for a dry run."""
    from connectctl.cli.output import cell
    from connectctl.cli.sheet import one_line, texts_of

    for change in saved.added:
        yield cell(f"new row: {one_line(None, change.texts).removeprefix(', ')}")
    for change, theirs in saved.changed:
        after = texts_of(spec, {**dict(zip(_names(spec), theirs.texts, strict=True)), **change.values})
        pairs = zip(_names(spec), theirs.texts, after, strict=True)
        cells = ", ".join(f"{name} {old!r} becomes {new!r}" for name, old, new in pairs if old != new)
        yield cell(f"row {theirs.number}: {cells}")
    for row in saved.removed:
        yield cell(f"row {row.number} removed: {one_line(row.number, row.texts).partition(', ')[2]}")


def _differences(saved: Saved, basis: Basis, spec: TableSpec) -> Iterable[str]:
    """Their rows beside ours, column by column."""
    from connectctl.cli.sheet import one_line

    for conflict in saved.conflicts[:LISTED]:
        change, theirs, number = conflict.change, conflict.theirs, conflict.number
        if theirs is None:
            mine = one_line(number, change.texts) if change is not None else ""
            yield f"row {number}: somebody else removed it; yours is {mine}"
            continue
        if conflict.taken:
            yield f"row {theirs.number} of somebody else has the same {', '.join(spec.key)} as one of yours"
        before = basis.shown[theirs.number].texts if theirs.number in basis.shown else [""] * len(spec.columns)
        mine_texts = before if change is None else change.texts
        for name, was, mine, other in zip(_names(spec), before, mine_texts, theirs.texts, strict=True):
            if change is None and was != other:
                yield f"row {theirs.number}, {name}: you removed the row, theirs is {other!r}, it was {was!r}"
            elif change is not None and mine != other:
                yield f"row {theirs.number}, {name}: yours is {mine!r}, theirs is {other!r}"
    if len(saved.conflicts) > LISTED:
        yield f"and {len(saved.conflicts) - LISTED} more"


def _names(spec: TableSpec) -> list[str]:
    return [column.name for column in spec.columns]
