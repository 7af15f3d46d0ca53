import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

TABLE = "credly-badge-templates"
COLUMNS = ["Badge Template ID", "Plan", "Name", "IsActive", "Element", "Since"]


@pytest.fixture
def filled(run: Run) -> Run:
    """Three rows: a (active), b with a plan, c without a name."""
    for args in (
        ("a", "-", "Name=Alpha", "IsActive=true", "Element=7", "Since=2026-01-31"),
        ("b", "12", "Name=Beta", "IsActive=false"),
        ("c", "-", "IsActive=true"),
    ):
        assert run("lookup", "set", TABLE, *args).code == 0
    return run


def rows(run: Run, *args: str) -> list[dict[str, Any]]:
    result = run("lookup", "show", TABLE, "--json", *args)
    assert result.code == 0, result.err
    return list(json.loads(result.out))


def test_json_rows_are_typed_in_the_order_of_the_columns(filled: Run) -> None:
    first = rows(filled)[0]
    assert list(first) == COLUMNS
    assert list(first.values()) == ["a", None, "Alpha", True, 7, "2026-01-31"]


def test_long_json_is_one_document_made_in_pieces(filled: Run, tmp_path: Path) -> None:
    found = rows(filled)
    assert filled("lookup", "show", TABLE, "--json").out == json.dumps(found, indent=2) + "\n"
    assert filled("lookup", "show", TABLE, "--json", "--where", "Name=nobody").out == "[]\n"
    file = tmp_path / "many.csv"
    file.write_text(",".join(COLUMNS) + "\n" + "".join(f"n{number},,{'x' * 90},,,\n" for number in range(3000)))
    assert filled("lookup", "import", TABLE, str(file)).err.endswith("3000 added, 0 changed, 0 removed, 0 unchanged\n")
    assert len(rows(filled)) == 3003
    assert len(filled("lookup", "show", TABLE).out.splitlines()) == 3004


def test_people_see_the_rows_number(filled: Run) -> None:
    lines = filled("lookup", "show", TABLE).out.splitlines()
    assert lines[0].split("\t") == ["#", *COLUMNS]
    assert lines[2].split("\t") == ["#2", "b", "12", "Beta", "false", "", ""]
    assert "#2  b" in filled("lookup", "show", TABLE, "-o", "table").out


@pytest.mark.parametrize("name", ["Credly Badge Templates", "credly badge templates", "credly_badge_templates"])
def test_any_name_of_the_table_does(filled: Run, name: str) -> None:
    assert len(filled("lookup", "show", name).out.splitlines()) == 4


@pytest.mark.parametrize(
    ("args", "ids"),
    [
        (("--where", "IsActive=true"), "ac"),
        (("--where", "isactive=true", "--where", "Plan="), "ac"),
        (("--where", "Plan=12"), "b"),
        (("--where", "Name="), "c"),
        (("--where", "Badge Template ID="), ""),
        (("--where", "Element=7"), "a"),
        (("--where", "Name=alpha"), ""),
        (("--search", "ALPHA"), "a"),
        (("--search", "true"), "ac"),
        (("--search", "2026-01"), "a"),
        (("--where", "IsActive=true", "--search", "c"), "c"),
        (("--limit", "2"), "ab"),
        (("--limit", "1", "--where", "IsActive=true", "--search", "a"), "a"),
    ],
)
@pytest.mark.req("GN-14")
def test_rows_are_searched_by_any_column(filled: Run, args: tuple[str, ...], ids: str) -> None:
    assert "".join(row["Badge Template ID"] for row in rows(filled, *args)) == ids


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("show", TABLE, "--where", "Nmae=x"), 2, "did you mean Name?"),
        (("show", TABLE, "--where", "Name"), 2, "COL=VALUE"),
        (("show", TABLE, "--where", "IsActive=yes"), 3, "must be true or false"),
        (("show", "credly-badge-templats"), 2, "did you mean credly-badge-templates?"),
        (("set", TABLE, "a"), 2, "named by Badge Template ID, Plan"),
        (("set", TABLE, "a", "Name=x"), 2, "named by Badge Template ID, Plan"),
        (("set", TABLE, "a", "-"), 2, "nothing to set"),
        (("set", TABLE, "a", "-", "Nme=x"), 2, "did you mean Name?"),
        (("set", TABLE, "a", "-", "Name"), 2, "COL=VALUE"),
        (("set", TABLE, "a", "-", "Name=x", "name=y"), 2, "set twice"),
        (("set", TABLE, "a", "-", "Plan=3"), 2, "part of the key"),
        (("set", TABLE, "a", "-", "IsActive=True"), 3, "true or false"),
        (("set", TABLE, "a", "-", "Since=31.1.2026"), 3, "date"),
        (("set", TABLE, "-", "-", "Name=x"), 3, "Badge Template ID must not be blank"),
        (("set", TABLE, "#99", "Name=x"), 2, "no row #99"),
        (("set", TABLE, "#" + "9" * 30, "Name=x"), 2, "no row"),
        (("set", TABLE, "#2", "Badge Template ID=a", "Plan="), 2, "another row with this key"),
        (("set", TABLE, "#1", "Badge Template ID="), 3, "must not be blank"),
        (("unset", TABLE, "z", "-"), 2, "no row z, -"),
        (("unset", TABLE, "#99"), 2, "no row #99"),
        (("unset", TABLE, "a", "-", "x"), 2, "one cell too many"),
        (("set", "users", "1"), 2, "filled by User fetch"),
        (("unset", "users", "1"), 2, "filled by User fetch"),
        (("import", "users", "x.csv"), 2, "filled by User fetch"),
        (("import", TABLE, "no-such-file.csv"), 2, "cannot be read"),
    ],
)
def test_what_is_refused_and_how(filled: Run, args: tuple[str, ...], code: int, words: str) -> None:
    before = rows(filled)
    result = filled("lookup", *args)
    assert (result.code, result.out) == (code, "")
    assert words in result.err
    assert result.err.splitlines()[-2].startswith("Error: ")
    assert rows(filled) == before


@pytest.mark.req("GN-08")
def test_the_short_form_for_settings(run: Run) -> None:
    args = ("lookup", "set", "integration-settings", "CREDLY", "COURSE_ADDITIONAL_FIELD", "Value=Credly badge")
    assert run(*args).err.endswith("Added: integration-settings #1\n")
    assert run(*args).err.endswith("Left unchanged: integration-settings #1\n")
    out = run("lookup", "show", "integration-settings", "--json").out
    assert json.loads(out) == [{"Integration": "CREDLY", "Key": "COURSE_ADDITIONAL_FIELD", "Value": "Credly badge"}]


def test_set_changes_only_what_is_named(filled: Run) -> None:
    assert filled("lookup", "set", TABLE, "a", "-", "Name=New=name").err == "Updated: Credly Badge Templates #1\n"
    assert list(rows(filled)[0].values()) == ["a", None, "New=name", True, 7, "2026-01-31"]
    assert filled("lookup", "set", TABLE, "#1", "Name=", "Element=-5", "Plan=3").code == 0
    assert list(rows(filled)[0].values()) == ["a", "3", None, True, -5, "2026-01-31"]
    assert filled("lookup", "show", TABLE).out.splitlines()[1].startswith("#1\ta\t3")


def test_unset_takes_one_row(filled: Run) -> None:
    assert filled("lookup", "unset", TABLE, "b", "12").code == 0
    assert filled("lookup", "unset", TABLE, "#3").code == 0
    assert [row["Badge Template ID"] for row in rows(filled)] == ["a"]
    filled("lookup", "set", TABLE, "d", "-", "Name=x")
    assert "#4\td" in filled("lookup", "show", TABLE).out  # numbers are not given out twice


def test_dry_runs_write_nothing(filled: Run, tmp_path: Path) -> None:
    before = rows(filled)
    file = tmp_path / "x.csv"
    file.write_text(",".join(COLUMNS) + "\nz,,Zeta,true,,\n")
    assert filled("lookup", "set", TABLE, "a", "-", "Name=x", "--dry-run").err.startswith("Would be updated")
    assert filled("lookup", "set", TABLE, "y", "-", "Name=x", "--dry-run").err.startswith("Would be added")
    assert filled("lookup", "unset", TABLE, "#1", "--dry-run").err.startswith("Would remove")
    result = filled("lookup", "import", TABLE, str(file), "--replace", "--dry-run")
    assert result.err == "Would be in Credly Badge Templates: 1 added, 0 changed, 3 removed, 0 unchanged\n"
    assert rows(filled) == before


def test_list(filled: Run) -> None:
    found = {row["name"]: row for row in json.loads(filled("lookup", "list", "--json").out)}
    assert found[TABLE] == {
        "name": TABLE,
        "title": "Credly Badge Templates",
        "plugin": "acme",
        "rows": 3,
        "filled_by": "the administrator",
        "editable": True,
    }
    assert found["users"]["filled_by"] == "User fetch"
    assert TABLE in filled("lookup", "list").out


@pytest.mark.parametrize("form", ["csv", "json"])
def test_export_and_import_are_inverse(filled: Run, tmp_path: Path, form: str) -> None:
    odd = ["=1+1", "+49", "-x", "@a", "'tis", 'q"u,o\nte', "  spaced  ", "日本"]
    for number, text in enumerate(odd):
        assert filled("lookup", "set", TABLE, f"o{number}", "-", f"Name={text}").code == 0
    before = rows(filled)
    file = tmp_path / f"rows.{form}"
    result = filled("lookup", "export", TABLE, str(file))
    assert (result.code, result.out) == (0, "")
    assert filled("lookup", "export", TABLE, "-o", form).out == file.read_bytes().decode()
    assert filled("lookup", "import", TABLE, str(file)).err.endswith(
        f"0 added, 0 changed, 0 removed, {len(before)} unchanged\n"
    )
    for row in range(1, len(before) + 1):
        filled("lookup", "unset", TABLE, f"#{row}")
    assert rows(filled) == []
    assert filled("lookup", "import", TABLE, "-", stdin=file.read_bytes()).code == 0
    assert rows(filled) == before


def test_csv_is_protected_for_spreadsheets(filled: Run) -> None:
    filled("lookup", "set", TABLE, "e", "-", "Name==cmd()")
    for args in (("show", TABLE, "-o", "csv"), ("export", TABLE)):
        cells = list(csv.reader(io.StringIO(filled("lookup", *args).out, newline="")))
        assert cells[0] == COLUMNS
        assert cells[-1][2] == "'=cmd()"


def test_an_import_is_all_or_nothing_and_names_each_bad_cell(filled: Run, tmp_path: Path) -> None:
    before = rows(filled)
    file = tmp_path / "bad.csv"
    file.write_text(",".join(COLUMNS) + "\nn,,New,true,,\nm,,Bad,yes,x,\n")
    result = filled("lookup", "import", TABLE, str(file))
    assert result.code == 3
    lines = result.err.splitlines()
    assert [line.split(":")[0].strip() for line in lines] == [
        "line 3, column IsActive",
        "line 3, column Element",
        "Error",
        "Hint",
    ]
    assert rows(filled) == before


@pytest.mark.parametrize(
    ("suffix", "text", "words"),
    [
        ("csv", "{header}\na,,Alpha,yes,1e3,31.1.2026\n\na,,x,,,\n", [
            "line 2, column IsActive: is 'yes'; it must be true or false",
            "line 2, column Element: is '1e3'; it must be a whole number",
            "line 2, column Since: is '31.1.2026'; it must be a date such as 2026-01-31 or 2026-01-31 08:30:00; "
            "write 2026-01-31",
        ]),
        ("csv", "{header}\nz,,,,,\nz,,x,,,\n", ["line 3, column Badge Template ID: Badge Template ID 'z', Plan '' is "
                                                 "in line 2 already"]),
        ("csv", "{header}\n,,,true,,\n", ["line 2, column Badge Template ID: must not be blank"]),
        ("csv", "Badge Template ID,Plan\nz,\n", ["line 1: column 'Name' is missing"]),
        ("json", '[{{"Badge Template ID": "z"}}]', ["line 1: column 'Plan' is missing"]),
    ],
)  # fmt: skip
def test_every_bad_cell_is_named_in_one_go(
    filled: Run, tmp_path: Path, suffix: str, text: str, words: list[str]
) -> None:
    before = rows(filled)
    file = tmp_path / f"bad.{suffix}"
    file.write_text(text.format(header=",".join(COLUMNS)))
    result = filled("lookup", "import", TABLE, str(file))
    assert result.code == 3
    lines = [line.strip() for line in result.err.splitlines()]
    assert lines[: len(words)] == words
    assert rows(filled) == before


def test_files_as_spreadsheets_save_them(filled: Run, tmp_path: Path) -> None:
    file = tmp_path / "excel.csv"
    lines = [";".join(COLUMNS), "a;;Alpha;TRUE;7;2026-01-31", "b;12;Beta;FALSE;;", "c;;;TRUE;;"]
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines, ";;;;;", ""]).encode())
    assert filled("lookup", "import", TABLE, str(file), "--replace").err.endswith("0 removed, 3 unchanged\n")


@pytest.mark.req("GN-08", "GN-09", "GN-10")
def test_settings_are_checked_in_files_too(run: Run, tmp_path: Path) -> None:
    from connectctl_credly import plugin as credly

    file = tmp_path / "settings.csv"
    file.write_text(
        "Integration,Key,Value\nCREDLY,SYNC_REVOCATION,TRUE\nCREDLY,BATCH_SYNC_START_DATE,1/31/2026\nOTHER,X,TRUE\n"
    )
    result = run("lookup", "import", "integration-settings", str(file), plugins={"credly": credly})
    assert result.code == 3
    assert [line.strip() for line in result.err.splitlines()[:2]] == [
        "line 2, column Value: is 'TRUE'; SYNC_REVOCATION must be the word true or false, in lower case",
        "line 3, column Value: is '1/31/2026'; BATCH_SYNC_START_DATE is not a date of the form YYYY-MM-DD or "
        "YYYY-MM-DD HH:MM:SS; write 2026-01-31",
    ]
    file.write_text("Integration,Key,Value\nCREDLY,SYNC_REVOCATION,true\nOTHER,X,TRUE\n")
    assert run("lookup", "import", "integration-settings", str(file), plugins={"credly": credly}).code == 0
    refused = run("lookup", "set", "integration-settings", "#1", "Value=no", plugins={"credly": credly})
    assert (refused.code, refused.err) == (
        3,
        "Error: CREDLY SYNC_REVOCATION cannot be 'no': it must be the word true or false, in lower case\n"
        "Hint: connectctl lookup explain integration-settings\n",
    )


def test_a_refused_cell_leads_to_what_the_columns_hold(filled: Run) -> None:
    for args in (
        ("set", TABLE, "a", "-", "IsActive=TRUE"),
        ("set", TABLE, "-", "-", "Name=x"),
        ("show", TABLE, "--where", "Element=x"),
    ):
        assert filled("lookup", *args).err.endswith(f"Hint: connectctl lookup explain {TABLE}\n")


def test_a_value_of_the_wrong_type_is_not_taken_for_the_same(filled: Run, home: Path) -> None:
    from tests.cli.conftest import BADGES

    from connectctl.store import open_store

    store = open_store("sqlite:///store.db", home)
    store.table(BADGES).update({"IsActive": 1, "Element": True}, doc_ids=[1])
    store.close()
    assert filled("lookup", "set", TABLE, "#1", "IsActive=true", "Element=1").err.startswith("Updated")
    assert list(rows(filled)[0].values()) == ["a", None, "Alpha", True, 1, "2026-01-31"]


def test_keys_that_are_one_to_the_database_alone_are_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([dict.fromkeys(COLUMNS) | {"Badge Template ID": key} for key in ("a", "a\0b", "a\0c")]))
    result = run("lookup", "import", TABLE, str(file))
    if result.code:  # a newer SQLite may tell them apart
        assert result.code == 3
        assert result.err.splitlines()[-1] == f"Hint: connectctl lookup show {TABLE}"
        assert rows(run) == []


def test_replace_keeps_the_numbers_of_rows_that_stay(filled: Run, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    row = dict.fromkeys(COLUMNS) | {"Badge Template ID": "c", "Name": "Gamma"}
    file.write_text(json.dumps([row]))
    result = filled("lookup", "import", TABLE, str(file), "--replace")
    assert result.err == "In Credly Badge Templates: 0 added, 1 changed, 2 removed, 0 unchanged\n"
    assert filled("lookup", "show", TABLE).out.splitlines()[1].startswith("#3\tc\t\tGamma")


def test_exports_are_private_files_and_whole_ones(filled: Run, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    filled("lookup", "export", TABLE, str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.csv"]
    result = filled("lookup", "export", TABLE, str(tmp_path / "none/out.csv"))
    assert result.code == 2
    assert "cannot be written" in result.err


def test_arguments_that_are_no_text(process: Run) -> None:
    import os
    import subprocess
    import sys

    command = [sys.executable, "-m", "connectctl", "lookup", "set", "integration-settings", "A", "B"]
    done = subprocess.run(
        [os.fsencode(part) for part in command] + [b"Value=\xff"], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert b"not UTF-8" in done.stderr
