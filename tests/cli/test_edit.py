"""`lookup edit` with scripts as editors: what is written, what is refused, and that no text is ever lost."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import BADGES
from tests.cli.test_lookup import TABLE, filled, rows

from connectctl.store import open_store

__all__ = ["filled"]  # a fixture

Run = Callable[..., Any]
Editor = Callable[..., str]

HEAD = """
import os, pathlib, subprocess, sys
file = pathlib.Path(sys.argv[-1])
text = file.read_text(encoding="utf-8")
calls = pathlib.Path(__file__).with_suffix(".calls")
call = len(calls.read_text()) if calls.exists() else 0
calls.write_text("x" * (call + 1))
pathlib.Path(__file__).with_suffix(f".{call}").write_text(text, encoding="utf-8")
def put(text): file.write_text(text, encoding="utf-8")
def other(*args):
    subprocess.run([sys.executable, "-m", "connectctl", "lookup", *args], check=True, capture_output=True)
def swap(old, new):
    assert old in text, text
    put(text.replace(old, new))
"""
SETTINGS = "integration-settings"


class Script:
    """An editor: the lines run with `text`, `put`, `swap`, `other`; `seen(n)` is what it was given at its n-th call."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self._monkeypatch = monkeypatch

    def __call__(self, body: str, variable: str = "EDITOR") -> None:
        self.path.write_text(HEAD + body)
        for old in self.path.parent.glob(f"{self.path.stem}.*"):
            if old != self.path:
                old.unlink()
        self._monkeypatch.setenv(variable, f"{shlex.quote(sys.executable)} {shlex.quote(str(self.path))}")

    @property
    def calls(self) -> int:
        file = self.path.with_suffix(".calls")
        return len(file.read_text()) if file.exists() else 0

    def seen(self, call: int) -> str:
        return self.path.with_suffix(f".{call}").read_text(encoding="utf-8")


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    return Script(tmp_path / "an editor.py", monkeypatch)


def kept(home: Path) -> list[Path]:
    """The texts that lie in the profile."""
    return sorted((home / "edits").glob("*.csv"))


def nothing_left(home: Path) -> bool:
    return list((home / "edits").iterdir()) == []


def table(run: Run) -> list[str]:
    """The rows as people see them, with their numbers."""
    return [line.rstrip("\t") for line in run("lookup", "show", TABLE).out.splitlines()[1:]]


# --- saving


@pytest.mark.req("GN-14")
def test_rows_are_changed_added_and_removed_at_once(filled: Run, editor: Script, home: Path) -> None:
    editor("""
lines = [line for line in text.splitlines() if not line.startswith("2,")]
put("\\n".join(lines).replace("Alpha,", "Alpha & Omega,") + "\\nd, , Delta, true, 9, 2026-02-01\\n")
""")
    result = filled("lookup", "edit", "Credly Badge Templates")
    assert (result.code, result.out) == (0, "")
    assert result.err == "Credly Badge Templates: 1 added, 1 changed, 1 removed\n"
    assert table(filled) == [
        "#1\ta\t\tAlpha & Omega\ttrue\t7\t2026-01-31",
        "#3\tc\t\t\ttrue",
        "#4\td\t\tDelta\ttrue\t9\t2026-02-01",
    ]
    assert nothing_left(home)


def test_what_the_editor_is_given(filled: Run, editor: Script, home: Path) -> None:
    editor("""
modes = [oct(path.stat().st_mode & 0o777) for path in (file, file.parent)]
pathlib.Path(sys.argv[0] + ".m").write_text(" ".join(modes))
""")
    assert filled("lookup", "edit", TABLE).code == 0
    given = editor.seen(0).splitlines()
    assert given[0] == "# Credly Badge Templates"
    assert given[-4:] == [
        "Row, Badge Template ID, Plan, Name,  IsActive, Element, Since",
        "1,   a,                 ,     Alpha, true,     7,       2026-01-31",
        "2,   b,                 12,   Beta,  false,    ,",
        "3,   c,                 ,     ,      true,     ,",
    ]
    assert Path(f"{editor.path}.m").read_text() == "0o600 0o700"


@pytest.mark.parametrize(
    "body", ["", "file.touch()", "put(text.replace('\\n', '  \\r\\n').rstrip())", "put(chr(0xfeff) + text)"]
)
def test_an_unchanged_text_changes_nothing(filled: Run, editor: Script, home: Path, body: str) -> None:
    editor(body)
    result = filled("lookup", "edit", TABLE)
    assert (result.code, result.out) == (0, "")
    assert result.err.startswith("Credly Badge Templates: nothing was changed\nRemark: an editor with windows")
    assert "--wait" in result.err
    assert nothing_left(home)


def test_order_and_comments_are_no_changes(filled: Run, editor: Script, home: Path) -> None:
    editor("""
head, *lines = text.splitlines()[-4:]
put("\\n".join([head, "# mine", *reversed(lines)]))
""")
    assert filled("lookup", "edit", TABLE).err == "Credly Badge Templates: nothing was changed\n"
    assert nothing_left(home)


@pytest.mark.parametrize("body", ["put('')", "put('# nothing\\n\\n')", "file.unlink()"])
def test_an_empty_text_gives_up(filled: Run, editor: Script, home: Path, body: str) -> None:
    editor(body)
    before = table(filled)
    result = filled("lookup", "edit", TABLE)
    assert (result.code, result.err) == (0, "Credly Badge Templates: given up: nothing was changed\n")
    assert table(filled) == before
    assert nothing_left(home)


def test_cells_that_nobody_touched_keep_what_they_hold(filled: Run, editor: Script, home: Path) -> None:
    """Values that a column does not allow any more, and texts with outer blanks, as plugins and remotes leave them."""
    with open_store("sqlite:///store.db", home) as store:
        stored = {
            "Badge Template ID": " x\n",
            "Plan": None,
            "Name": ["a", 1],
            "IsActive": "maybe",
            "Element": 1.5,
            "extra": {},
        }
        store.documents(TABLE).insert(stored)
    editor("swap('1.5,', '1.5, 2026-03-04')")
    assert filled("lookup", "edit", TABLE).code == 0
    with open_store("sqlite:///store.db", home) as store:
        assert dict(store.documents(TABLE).get(doc_id=4)) == {**stored, "Since": "2026-03-04"}


def test_a_value_of_the_wrong_type_is_not_taken_for_the_right_one(filled: Run, editor: Script, home: Path) -> None:
    with open_store("sqlite:///store.db", home) as store:
        store.table(BADGES).update({"IsActive": 1, "Element": True}, doc_ids=[1])
    editor("""
put("\\n".join("1, a, , Alpha, true, 1, 2026-01-31" if line.startswith("1,") else line for line in text.splitlines()))
""")
    assert filled("lookup", "edit", TABLE).err == "Credly Badge Templates: 0 added, 1 changed, 0 removed\n"
    assert list(rows(filled)[0].values()) == ["a", None, "Alpha", True, 1, "2026-01-31"]
    assert [type(value) for value in list(rows(filled)[0].values())[3:5]] == [bool, int]


def test_only_the_rows_asked_for_are_shown_and_the_others_stay(filled: Run, editor: Script) -> None:
    editor("put('\\n'.join(text.splitlines()[:-1]).replace('Alpha', 'A'))")
    assert filled("lookup", "edit", TABLE, "--where", "IsActive=true", "--yes").err.endswith(
        "0 added, 1 changed, 1 removed\n"
    )
    assert [line.split("\t")[1] for line in table(filled)] == ["a", "b"]
    assert "# Only 2 of 3 rows are shown; the others stay as they are." in editor.seen(0)
    editor("swap('Beta', 'B')")
    assert filled("lookup", "edit", TABLE, "--search", "BET").code == 0
    assert "Alpha" not in editor.seen(0)
    editor("put(text + ('' if call else 'b, 12, Twin, true, ,'))")
    result = filled("lookup", "edit", TABLE, "--where", "IsActive=true")
    assert result.code == 3
    assert "column Badge Template ID: row 2, which is not shown, has the same Badge Template ID, Plan" in result.err


def test_keys_may_be_swapped_and_taken_over(filled: Run, editor: Script, home: Path) -> None:
    editor("""
put(text.replace("1,   a,                 ,  ", "1,   b, 12,").replace("2,   b,                 12,", "2,   a, ,")
        .replace("3,   c,", "   , c,"))
""")
    result = filled("lookup", "edit", TABLE)
    assert result.err.endswith("1 added, 2 changed, 1 removed\n")
    assert [line.split("\t")[:3] for line in table(filled)] == [["#1", "b", "12"], ["#2", "a", ""], ["#4", "c", ""]]
    with open_store("sqlite:///store.db", home) as store:
        assert store.check() == []


def test_a_dry_run_shows_what_would_change(filled: Run, editor: Script, home: Path) -> None:
    before = table(filled)
    editor("put(text.replace('Alpha', 'A\\x1b[31m').replace('3,   c,', ', new,'))")
    result = filled("lookup", "edit", TABLE, "--dry-run")
    assert result.code == 0
    assert result.out.splitlines() == [
        "new row: new, , , true, ,",
        "row 1: Name 'Alpha' becomes 'A\\x1b[31m'",
        "row 3 removed: c, , , true, ,",
    ]
    assert "Would be in Credly Badge Templates: 1 added, 1 changed, 1 removed\n" in result.err
    assert table(filled) == before
    assert f"--resume {kept(home)[0]}" in result.err


# --- refusing


def test_a_mistake_opens_the_text_again_with_the_error_above_its_line(filled: Run, editor: Script, home: Path) -> None:
    editor("swap('true,     7', 'yes,      7') if call == 0 else swap('yes,', 'false,')")
    result = filled("lookup", "edit", TABLE)
    assert (result.code, editor.calls) == (0, 2)
    assert result.err.startswith("one error in the text of Credly Badge Templates; the editor opens again\n")
    again = editor.seen(1).splitlines()
    number = next(number for number, line in enumerate(again, 1) if line.startswith("1,"))
    assert again[0] == "#! Nothing was saved: one error, each above its line. Look for #!"
    assert again[number - 2] == f"#! line {number}, column IsActive: is 'yes'; it must be true or false"
    assert table(filled)[0] == "#1\ta\t\tAlpha\tfalse\t7\t2026-01-31"
    assert nothing_left(home)


@pytest.mark.parametrize(
    "second",
    [
        "None",
        "put(text.replace('#!', '# no'))",
        "put(''.join(line for line in text.splitlines(True) if line[:2] != '#!'))",
    ],
)
def test_the_same_mistake_twice_ends_it_and_the_text_is_kept(
    filled: Run, editor: Script, home: Path, second: str
) -> None:
    before = table(filled)
    editor(f"swap('true,     7', 'yes,      7') if call == 0 else {second}")
    result = filled("lookup", "edit", TABLE)
    assert (result.code, result.out, editor.calls) == (3, "", 2)
    (file,) = kept(home)
    *_, error, hint = result.err.splitlines()
    assert error.startswith("Error: Nothing was saved in Credly Badge Templates: ")
    assert hint == f"Hint: connectctl lookup edit {TABLE} --resume {file}"
    assert "column IsActive: is 'yes'; it must be true or false" in result.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.name.startswith(f"{TABLE}-20")
    assert "yes,      7" in file.read_text()
    assert table(filled) == before
    # Its line number is right in the file that is kept.
    line = next(line for line in result.err.splitlines() if "column IsActive" in line)
    assert file.read_text().splitlines()[int(line.split()[1].rstrip(",")) - 1].startswith("1,")
    # The next edit says so, and what was kept can be put right.
    editor("pass")
    assert f"--resume {file}" in filled("lookup", "edit", TABLE).err
    editor("swap('yes,', 'false,')")
    assert filled("lookup", "edit", TABLE, "--resume", str(file)).err.endswith("0 added, 1 changed, 0 removed\n")
    assert "#! in the table now: 1, a, , Alpha, true, 7, 2026-01-31\n" in editor.seen(0)
    assert nothing_left(home)


def test_a_script_that_never_gets_it_right_ends(filled: Run, editor: Script) -> None:
    editor("put(text + 'a, , again, true, ,\\n')")
    result = filled("lookup", "edit", TABLE)
    assert (result.code, editor.calls) == (3, 10)
    assert "10 attempts were refused" in result.err


def test_text_that_is_no_utf_8_is_named_by_line(filled: Run, editor: Script, home: Path) -> None:
    editor("file.write_bytes(text.replace('Alpha', 'Alphé').encode('latin-1')) if call == 0 else None")
    editor.path.write_text(
        editor.path.read_text().replace(
            'text = file.read_text(encoding="utf-8")', 'text = file.read_text("utf-8", "replace")'
        )
    )
    result = filled("lookup", "edit", TABLE)
    assert result.code == 3
    assert "is not UTF-8; save the text as UTF-8" in result.err
    assert b"Alph\xe9" in kept(home)[0].read_bytes()


def test_read_only_tables_are_refused_before_an_editor_starts(filled: Run, editor: Script) -> None:
    editor("put('')")
    result = filled("lookup", "edit", "users")
    assert result.code == 2
    assert "filled by User fetch" in result.err
    assert editor.calls == 0


@pytest.mark.req("GN-08", "GN-09", "GN-10")
def test_settings_are_held_against_what_the_integrations_declare(process: Run, editor: Script) -> None:
    process("lookup", "set", SETTINGS, "CREDLY", "SYNC_REVOCATION", "Value=true")
    editor("swap('true', 'True')")
    done = process("lookup", "edit", SETTINGS)
    assert done.returncode == 3
    assert b"column Value: cannot be 'True': it must be the word true or false, in lower case" in done.stderr
    editor("put(text.replace('true', 'false') + 'CREDLY, COURSE_ADITIONAL_FIELD, x\\nCREDLY, NOTIFICATION_MAIL_ID,')")
    done = process("lookup", "edit", SETTINGS)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().endswith(
        "integration-settings: 2 added, 1 changed, 0 removed\n"
        "Remark: CREDLY has no setting 'COURSE_ADITIONAL_FIELD'; did you mean COURSE_ADDITIONAL_FIELD?\n"
    )


@pytest.mark.parametrize(("count", "code"), [(5, 0), (6, 6), (20, 6)])
def test_many_removals_need_a_yes(run: Run, editor: Script, home: Path, count: int, code: int) -> None:
    items = [{"Badge Template ID": f"r{number}", "IsActive": True} for number in range(20)]
    for item in items:
        item.update(dict.fromkeys(("Plan", "Name", "Element", "Since")))
    run("lookup", "import", TABLE, "-", stdin=json.dumps(items))
    editor(f"put('\\n'.join(text.splitlines()[:{-count}]))")
    result = run("lookup", "edit", TABLE)
    assert result.code == code
    assert len(rows(run)) == (20 if code else 20 - count)
    if code:
        (file,) = kept(home)
        assert f"removes {count} of 20 rows" in result.err
        assert result.err.endswith(f"Hint: connectctl lookup edit {TABLE} --resume {file} --yes\n")
        editor("pass")
        assert run("lookup", "edit", TABLE, "--resume", str(file)).code == 3  # unchanged: nothing happens
        assert run("lookup", "edit", TABLE, "--resume", str(file), "--yes").code == 0
        assert len(rows(run)) == 20 - count
        assert nothing_left(home)


def test_removing_all_of_a_few_rows_needs_a_yes_too(filled: Run, editor: Script, home: Path) -> None:
    editor("put('\\n'.join(text.splitlines()[:-3]))")
    assert filled("lookup", "edit", TABLE).code == 6
    assert len(table(filled)) == 3
    assert filled("lookup", "edit", TABLE, "--yes").err.endswith("0 added, 0 changed, 3 removed\n")


# --- editors


@pytest.mark.parametrize("ending", ["sys.exit(3)", "os.kill(os.getpid(), 9)"])
def test_an_editor_that_fails_saves_nothing(filled: Run, editor: Script, home: Path, ending: str) -> None:
    before = table(filled)
    editor(ending)
    result = filled("lookup", "edit", TABLE)
    assert (result.code, nothing_left(home)) == (3, True)
    editor(f"swap('Alpha', 'Changed'); {ending}")
    result = filled("lookup", "edit", TABLE)
    assert result.code == 3
    assert "ended with exit code 3" in result.err or "was ended by signal 9" in result.err
    assert result.err.endswith(f"--resume {kept(home)[0]}\n")
    assert "Changed" in kept(home)[0].read_text()
    assert table(filled) == before


@pytest.mark.parametrize(
    "body",
    [
        "file.unlink(); os.mkfifo(file)",
        "file.unlink(); file.mkdir()",
        "os.truncate(file, 257 * 1024**2)",
    ],
    ids=["pipe", "folder", "huge"],
)
def test_what_an_editor_leaves_that_is_no_text_is_refused(filled: Run, editor: Script, home: Path, body: str) -> None:
    before = table(filled)
    editor(body)
    result = filled("lookup", "edit", TABLE)
    assert result.code == 3, result.err
    assert re.search(
        r"Error: .*(is not a file any more|cannot be read|is larger than 256 MiB)\nHint: ls -l ", result.err
    )
    assert table(filled) == before


def test_a_link_that_an_editor_leaves_is_read_and_its_target_keeps_its_rights(
    filled: Run, editor: Script, tmp_path: Path
) -> None:
    target = tmp_path / "elsewhere.csv"
    editor(f"""
target = pathlib.Path({str(target)!r})
target.write_text(text.replace("Alpha", "Beta"), encoding="utf-8")
target.chmod(0o644)
file.unlink()
file.symlink_to(target)
""")
    result = filled("lookup", "edit", TABLE)
    assert (result.code, result.err) == (0, "Credly Badge Templates: 0 added, 1 changed, 0 removed\n")
    assert target.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"EDITOR": "no-such-editor -x"}, "$EDITOR names an editor that is not there: 'no-such-editor -x'"),
        ({"VISUAL": "no-such-editor", "EDITOR": "true"}, "$VISUAL names an editor that is not there"),
        ({"EDITOR": "vi 'x"}, "$EDITOR cannot be read"),
        ({"PATH": "/nowhere"}, "There is no editor: neither $VISUAL nor $EDITOR is set"),
    ],
)
def test_there_is_no_editor(
    filled: Run, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], words: str, home: Path
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    result = filled("lookup", "edit", TABLE)
    assert result.code == 3
    assert words in result.err
    assert result.err.endswith("Hint: export EDITOR=nano\n")
    assert not (home / "edits").exists()


def test_which_editor_is_taken(filled: Run, editor: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor("swap('Alpha', 'By visual')", "VISUAL")
    monkeypatch.setenv("EDITOR", "false")
    assert filled("lookup", "edit", TABLE).code == 0
    assert "By visual" in table(filled)[0]
    # A path with blanks, and no shell that would take the rest for commands.
    folder = tmp_path / "My Editor"
    folder.mkdir()
    program = folder / "run me"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(editor.path))} "$@"\n')
    program.chmod(0o755)
    editor("swap('By visual', 'By path')")
    for value in (str(program), f"{shlex.quote(str(program))} --wait '; touch {tmp_path}/pwned'"):
        monkeypatch.setenv("VISUAL", value)
        assert filled("lookup", "edit", TABLE).code == (0 if value == str(program) else 3)
    assert "By path" in table(filled)[0]
    assert not (tmp_path / "pwned").exists()
    # Neither is set: `editor`, then `nano`, then `vi`.
    monkeypatch.delenv("VISUAL")
    monkeypatch.setenv("EDITOR", " ")
    for name, taken in (("vi", "vi"), ("editor", "editor")):
        (folder / name).write_text(f'#!/bin/sh\nPATH={os.environ["PATH"]}; sed -i s/Beta/{taken}/ "$1"\n')
        (folder / name).chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(folder))
        assert filled("lookup", "edit", TABLE).code == 0
    assert "\teditor\t" in table(filled)[1]


@pytest.mark.skipif(not Path("/usr/bin/ed").exists(), reason="ed is not installed")
def test_a_real_editor(filled: Run, process: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    process("lookup", "set", SETTINGS, "CREDLY", "COURSE_ADDITIONAL_FIELD", "Value=old")
    done = process("lookup", "edit", SETTINGS, env={"EDITOR": "ed -s"}, input=b"/^1,/s/old/new, and more/\nw\nq\n")
    assert done.returncode == 3  # four cells where there are three
    done = process("lookup", "edit", SETTINGS, env={"EDITOR": "ed -s"}, input=b'/^1,/s/old/"new, and more"/\nw\nq\n')
    assert done.returncode == 0, done.stderr
    assert b"new, and more" in process("lookup", "show", SETTINGS).stdout


# --- others


def test_a_row_that_another_process_changed_is_never_overwritten(process: Run, editor: Script, home: Path) -> None:
    for key in ("A", "B", "C", "D"):
        process("lookup", "set", SETTINGS, "X", key, f"Value={key.lower()}")
    editor(f"""
if call == 0:
    other("set", "{SETTINGS}", "X", "A", "Value=theirs\\x1b[31m")
    other("set", "{SETTINGS}", "X", "B", "Value=theirs")
    other("unset", "{SETTINGS}", "X", "C")
    other("set", "{SETTINGS}", "X", "E", "Value=theirs")
put("\\n".join(line for line in text.replace("  a", "  mine").replace("  c", "  mine").splitlines() if line[:2] != "2,")
    + "\\nX, E, mine\\n4b")
text = file.read_text()
put(text.replace("\\n4b", "").replace("  d", "  mine too"))
""")
    done = process("lookup", "edit", SETTINGS)
    err = done.stderr.decode()
    assert done.returncode == 3
    *told, error, hint = err.splitlines()
    assert [line.strip() for line in told] == [
        "row 1, Value: yours is 'mine', theirs is 'theirs\\x1b[31m'",
        "row 3: somebody else removed it; yours is 3, X, C, mine",
        "row 2, Value: you removed the row, theirs is 'theirs', it was 'b'",
        "row 5 of somebody else has the same Integration, Key as one of yours",
        "row 5, Value: yours is 'mine', theirs is 'theirs'",
    ]
    assert error == "Error: Nothing was saved in integration-settings: somebody else changed 4 rows meanwhile"
    (file,) = kept(home)
    assert hint == f"Hint: connectctl lookup edit {SETTINGS} --resume {file}"
    shown = process("lookup", "show", SETTINGS).stdout.decode()
    assert "mine" not in shown  # all or nothing: row 4 neither

    # Taken up again, their rows stand in the text; a knowing save then takes it as it stands.
    editor("pass")
    done = process("lookup", "edit", SETTINGS, "--resume", str(file), "--yes")
    assert done.returncode == 3  # nobody has looked at it
    text = editor.seen(0)
    assert "#! row 1 was changed meanwhile by somebody else; it is now: 1, X, A, theirs{U+001B}[31m" in text
    assert "#! row 3 was removed meanwhile by somebody else; this line would add it again\n, X, C, mine\n" in text
    assert "delete it again\n2, X, B, theirs\n" in text
    assert "this row came meanwhile\n5, X, E, theirs\n" in text
    editor("put('\\n'.join(line for line in text.splitlines() if line[:2] not in ('#!', '5,', '2,')))")
    done = process("lookup", "edit", SETTINGS, "--resume", str(file))
    assert done.returncode == 0, done.stderr
    assert "integration-settings: 2 added, 2 changed, 2 removed\n" in done.stderr.decode()
    found = [line.split("\t")[2:] for line in process("lookup", "show", SETTINGS).stdout.decode().splitlines()[1:]]
    assert sorted(found) == [["A", "mine"], ["C", "mine"], ["D", "mine too"], ["E", "mine"]]
    assert nothing_left(home)


def test_what_others_did_to_rows_nobody_touched_here_is_no_conflict(process: Run, editor: Script) -> None:
    for key in ("A", "B", "C"):
        process("lookup", "set", SETTINGS, "X", key, "Value=old")
    editor(f"""
other("set", "{SETTINGS}", "X", "A", "Value=theirs")
other("unset", "{SETTINGS}", "X", "B")
other("set", "{SETTINGS}", "X", "D", "Value=theirs")
put(text.replace("C,  ", "C2, "))
""")
    done = process("lookup", "edit", SETTINGS)
    assert done.stderr.decode().startswith("integration-settings: 0 added, 1 changed, 0 removed\n")
    shown = process("lookup", "show", SETTINGS).stdout.decode().split("\n", 1)[1]
    assert shown == "#1\tX\tA\ttheirs\n#3\tX\tC2\told\n#4\tX\tD\ttheirs\n"


def test_the_same_change_twice_is_no_conflict(process: Run, editor: Script) -> None:
    for key in ("A", "B", "C"):
        process("lookup", "set", SETTINGS, "X", key, "Value=old")
    editor(f"""
other("set", "{SETTINGS}", "X", "A", "Value=new")
other("unset", "{SETTINGS}", "X", "B")
other("set", "{SETTINGS}", "X", "D", "Value=new")
other("set", "{SETTINGS}", "X", "C", "Value=between")
other("set", "{SETTINGS}", "X", "C", "Value=old")
lines = [line for line in text.splitlines() if line[:2] != "2,"]
put("\\n".join(lines).replace("old", "new") + "\\nX, D, new")
""")
    done = process("lookup", "edit", SETTINGS)
    assert done.stderr.decode().startswith("integration-settings: 0 added, 1 changed, 0 removed\n")
    shown = process("lookup", "show", SETTINGS).stdout.decode().split("\n", 1)[1]
    assert shown == "#1\tX\tA\tnew\n#3\tX\tC\tnew\n#4\tX\tD\tnew\n"


def test_a_copy_of_a_text_from_elsewhere_removes_nothing(
    filled: Run, editor: Script, home: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy of mine.csv"
    copy.write_text("Row;Badge Template ID;Plan;Name;IsActive;Element;Since\n2;b;12;Bee;false;;\n;n;;New;true;;\n")
    copy.chmod(0o644)
    editor("put(text.split('\\n', 1)[1])")
    result = filled("lookup", "edit", TABLE, "--resume", str(copy))
    assert result.err == "Credly Badge Templates: 1 added, 1 changed, 0 removed\n"
    assert "#! in the table now: 2, b, 12, Beta, false, ,\n" in editor.seen(0)
    assert len(table(filled)) == 4
    assert nothing_left(home)
    assert copy.read_text().startswith("Row;")  # a file elsewhere stays as it was
    assert copy.stat().st_mode & 0o777 == 0o644


def test_a_text_of_another_profile_is_refused_and_the_hint_names_its_own(run: Run, editor: Script, home: Path) -> None:
    for profile, name in (("one", "Alpha"), ("two", "Omega")):  # row 1 of revision 1 in both
        assert run("--profile", profile, "lookup", "set", TABLE, "a", "-", f"Name={name}").code == 0
    editor('if not call: swap("Alpha", "Alpha, spoiled")')
    result = run("--profile", "one", "lookup", "edit", TABLE)
    (file,) = kept(home / "profiles/one")
    assert result.err.endswith(f"Hint: connectctl --profile one lookup edit {TABLE} --resume {file}\n")
    editor('put(text.replace("Alpha, spoiled", "Beta"))')
    result = run("--profile", "two", "lookup", "edit", TABLE, "--resume", str(file))
    assert (result.code, editor.calls) == (2, 0)
    assert "is a text of another profile" in result.err
    assert "Omega" in run("--profile", "two", "lookup", "show", TABLE).out
    assert run("--profile", "one", "lookup", "edit", TABLE, "--resume", str(file)).code == 0
    assert "Beta" in run("--profile", "one", "lookup", "show", TABLE).out


def test_what_an_editor_that_did_not_wait_saved_later_is_found(filled: Run, editor: Script, home: Path) -> None:
    editor("pathlib.Path(sys.argv[0] + '.m').write_text(str(file))")
    assert filled("lookup", "edit", TABLE).code == 0
    file = Path(Path(f"{editor.path}.m").read_text())
    file.write_text(editor.seen(0).replace("Alpha", "Later"))
    editor("")
    assert f"--resume {file}" in filled("lookup", "edit", TABLE).err
    editor("put(text.split('\\n', 1)[1])")
    assert filled("lookup", "edit", TABLE, "--resume", str(file)).err.endswith("0 added, 1 changed, 0 removed\n")
    assert "Later" in table(filled)[0]
    assert nothing_left(home)


def test_resume_refuses_what_is_not_meant(filled: Run, editor: Script, home: Path, tmp_path: Path) -> None:
    editor("swap('Alpha', 'A'); sys.exit(1)")
    assert filled("lookup", "edit", TABLE, "--resume", str(tmp_path / "none.csv")).code == 2
    assert filled("lookup", "edit", TABLE).code == 3
    (file,) = kept(home)
    assert filled("lookup", "edit", TABLE, "--resume", str(file), "--search", "x").code == 2
    result = filled("lookup", "edit", SETTINGS, "--resume", str(file))
    assert result.code == 2
    assert f"is a text of the table {TABLE}" in result.err


# --- ends in the middle


def start(args: tuple[str, ...], **environ: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "connectctl", "lookup", *args],
        env={**os.environ, **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


WAITS = """
swap("old", "new")
print("open", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 130)])
def test_a_text_outlives_the_command(
    process: Run, editor: Script, home: Path, number: signal.Signals, code: int
) -> None:
    process("lookup", "set", SETTINGS, "X", "A", "Value=old")
    editor(WAITS)
    running = start(("edit", SETTINGS))
    assert running.stdout is not None
    assert running.stdout.readline() == b"open\n"
    (file,) = kept(home)
    assert b"open in the editor of another process" in process("lookup", "edit", SETTINGS, "--resume", str(file)).stderr
    assert b"--resume" not in process("lookup", "edit", SETTINGS, env={"EDITOR": "true"}).stderr
    running.send_signal(number)
    _, err = running.communicate(timeout=60)  # the pipe is closed: an editor that is left over ends
    assert running.returncode == code
    if code == 130:
        assert err.decode().splitlines()[-1] == f"Hint: connectctl lookup edit {SETTINGS} --resume {file}"
    assert b"old" in process("lookup", "show", SETTINGS).stdout
    assert f"--resume {file}".encode() in process("lookup", "edit", SETTINGS, env={"EDITOR": "true"}).stderr
    editor("put(text.split('\\n', 1)[1])")
    assert process("lookup", "edit", SETTINGS, "--resume", str(file)).returncode == 0
    assert b"new" in process("lookup", "show", SETTINGS).stdout


def test_ctrl_c_belongs_to_the_editor(process: Run, editor: Script) -> None:
    process("lookup", "set", SETTINGS, "X", "A", "Value=old")
    editor(WAITS)
    running = start(("edit", SETTINGS))
    assert running.stdout is not None
    assert running.stdout.readline() == b"open\n"
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGQUIT)
    _, err = running.communicate(b"go on\n", timeout=60)
    assert running.returncode == 0
    assert err.startswith(b"integration-settings: 0 added, 1 changed, 0 removed\n")


def test_the_editor_does_not_inherit_a_deaf_ear_for_ctrl_c(process: Run, editor: Script) -> None:
    editor("import signal; os.kill(os.getpid(), signal.SIGQUIT)")
    assert b"was ended by signal 3" in process("lookup", "edit", SETTINGS).stderr


def test_kill_9_while_saving_leaves_all_or_nothing_and_the_text(process: Run, editor: Script, home: Path) -> None:
    dice = random.Random(11)
    names = [f"K{number:04}" for number in range(400)]
    with open_store("sqlite:///store.db", home) as store:
        from connectctl.plugins.core import INTEGRATION_SETTINGS

        table = store.table(INTEGRATION_SETTINGS)
        table.insert_multiple({"Integration": "X", "Key": name, "Value": "v0"} for name in names)
    pause = threading.Event()
    written = 0
    for turn in range(1, 9):
        editor(f"swap('v', 'v{turn}'); print('closing', flush=True); os.close(1)")
        running = start(("edit", SETTINGS))
        assert running.stdout is not None
        assert running.stdout.readline() == b"closing\n"
        pause.wait(dice.random() * 0.25)
        running.kill()
        running.communicate()
        with open_store("sqlite:///store.db", home) as store:
            assert store.check() == []
            values = {row["Value"] for row in store.table(INTEGRATION_SETTINGS)}
        assert len(values) == 1  # every row or none
        done = values.pop().startswith(f"v{turn}")
        written += done
        for file in kept(home):
            assert file.with_suffix(".json").exists()
            editor("put(text.split('\\n', 1)[1])")
            assert process("lookup", "edit", SETTINGS, "--resume", str(file)).returncode == 0
        with open_store("sqlite:///store.db", home) as store:
            assert all(row["Value"].startswith(f"v{turn}") for row in store.table(INTEGRATION_SETTINGS))
        assert nothing_left(home)


def test_the_page_shows_what_the_editor_is_given(process: Run, editor: Script) -> None:
    page = (Path(__file__).parents[2] / "docs" / "lookup-tables.md").read_text(encoding="utf-8")
    given, added, *_ = (block.split("\n```")[0] for block in page.split("```csv\n")[1:])
    mappings = "credly-integration-mappings"
    for line in given.splitlines()[-2:]:
        _, template, *rest = line.replace('"Fire safety, basic"', "Fire safety; basic").split(",")
        cells = [cell.strip().replace(";", ",") for cell in rest]
        names = ("Badge Template Name", "Import As External Training", "IsActive")
        pairs = (f"{name}={cells[index]}" for name, index in zip(names, (0, 2, 4), strict=True))
        assert process("lookup", "set", mappings, template.strip(), cells[1], "-", *pairs).returncode == 0
    editor(f"put(text.rstrip()[:-4] + 'false\\n{added}\\n')")
    done = process("lookup", "edit", mappings)
    assert editor.seen(0) == given + "\n"
    assert done.stderr.decode() == "Credly Integration Mappings: 1 added, 1 changed, 0 removed\n"
    assert done.stderr.decode() in page
