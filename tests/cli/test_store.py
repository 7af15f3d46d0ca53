"""`connectctl store`: findings with a fix that runs, files and copies, dry runs that write nothing."""

from __future__ import annotations

import json
import os
import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import World, make_world

from connectctl.store import open_store
from connectctl_sandbox import Sandbox

Run = Callable[..., Any]
BADGES = "credly-badge-templates"


@pytest.fixture
def filled(run: Run) -> Run:
    for number in range(3):
        assert run("lookup", "set", BADGES, f"b{number}", "-", "Name==1+1", "IsActive=true").code == 0
    return run


def test_a_sound_store(filled: Run) -> None:
    done = filled("store", "check")
    assert (done.code, done.out, done.err) == (0, "", "The store is sound\n")
    done = filled("store", "check", "--json")
    assert (done.code, json.loads(done.out), done.err) == (0, {"ok": True, "findings": []}, "")


def test_no_store_yet(run: Run, home: Path) -> None:
    done = run("store", "check", "--json")
    assert (done.code, json.loads(done.out)["findings"][0]["fix"]) == (3, "connectctl init")
    assert not home.exists()


def test_a_remark_is_no_fault(filled: Run) -> None:
    done = filled("store", "check", "--json", plugins={})
    (finding,) = json.loads(done.out)["findings"]
    assert (done.code, finding["wrong"]) == (0, False)
    assert f"{BADGES}: no installed plugin declares it" in finding["message"]


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE d_credly SET body=json_set(body,'$.IsActive','maybe') WHERE doc_id=2",
        "UPDATE d_credly SET body=json_remove(body,'$.\"Badge Template ID\"') WHERE doc_id=2",
        "chmod",
    ],
)
def test_the_fix_of_a_finding_runs_and_mends_it(spoil: str, filled: Run, home: Path) -> None:
    if spoil == "chmod":
        (home / "store.db").chmod(0o644)
    else:
        with open_store("sqlite:///store.db", home) as store:
            ((name,),) = store.query("SELECT sqlname FROM _tables WHERE name=?", (BADGES,))
            store.execute(spoil.replace("d_credly", name))
    done = filled("store", "check", "--json")
    (finding,) = json.loads(done.out)["findings"]
    assert (done.code, finding["wrong"]) == (3, True)
    assert f"Hint: {finding['fix']}" in done.err
    words = shlex.split(finding["fix"])
    if words[0] == "chmod":
        Path(words[2]).chmod(int(words[1], 8))
    else:
        number = next(place for place, word in enumerate(words) if word.startswith("#"))
        end = number + (1 if words[2] == "unset" else 2)
        assert filled(*(word.rstrip(",") for word in words[1:end])).code == 0
    assert filled("store", "check").code == 0


def test_people_see_level_message_and_fix(filled: Run, home: Path) -> None:
    (home / "store.db").chmod(0o604)
    done = filled("store", "check")
    assert done.out.splitlines()[0].split("\t") == ["level", "check", "message", "fix"]
    assert done.out.splitlines()[1].startswith("wrong\tfile\t")
    assert done.err.startswith("Error: The store is not sound: ")


def test_export_and_copy(filled: Run, home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert filled("store", "export", str(out), "--dry-run").err.startswith(f"Would write {out}: ")
    tables = json.loads(filled("store", "copy", "--to", "sqlite:///b.db", "--dry-run", "--json").out)
    assert {"table": "meta", "rows": 3} in tables
    assert not out.exists()
    assert not list(home.glob("b.db*"))
    done = filled("store", "export", str(out), "--json")
    assert (done.code, json.loads(done.out)) == (0, json.loads((out / "manifest.json").read_text()))
    assert (out / "lookup" / f"{BADGES}.csv").read_text() == filled("lookup", "export", BADGES).out
    done = filled("store", "copy", "--to", "sqlite:///b.db", "--json")
    assert json.loads(done.out) == tables
    assert 'url = "sqlite:///b.db" below [store]' in done.err
    (home / "config.toml").write_text('[store]\nurl = "sqlite:///b.db"\n')
    assert filled("store", "check").code == 0
    assert len(json.loads(filled("lookup", "show", BADGES, "--json").out)) == 3


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("store", "export", "{home}"), 2, "is not empty"),
        (("store", "export", "{home}", "--dry-run"), 2, "is not empty"),
        (("store", "export", "{home}/store.db"), 2, "is not a folder"),
        (("store", "copy", "--to", "sqlite:///store.db"), 2, "something at"),
        (("store", "copy", "--to", "sqlite:///store.db", "--dry-run"), 2, "something at"),
        (("store", "copy", "--to", "postgresql://user:secret@host/db"), 3, "PostgreSQL"),
        (("store", "copy", "--to", "elsewhere.db"), 3, "not of the form"),
        (("store", "copy"), 2, "--to"),
    ],
)
def test_what_is_refused_and_how(args: tuple[str, ...], code: int, words: str, filled: Run, home: Path) -> None:
    done = filled(*(arg.replace("{home}", str(home)) for arg in args))
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert "secret" not in done.err


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Sandbox(seed=1) as box:
        yield make_world(box, tmp_path_factory.mktemp("world") / "home")


def test_a_killed_run_is_found_and_its_fix_closes_it(world: World) -> None:
    process = world.start("credly", "batch-sync")
    while not world.box.log.count(remote="credly", method="POST"):
        assert process.poll() is None
    process.send_signal(signal.SIGSTOP)
    code, out, err = world.run("store", "check", "--json")
    assert (code, json.loads(out)["findings"]) == (0, []), err  # it still lives
    process.send_signal(signal.SIGKILL)
    process.communicate()
    code, out, _ = world.run("store", "check", "--json")
    (finding,) = json.loads(out)["findings"]
    assert (code, "its process is gone" in finding["message"]) == (3, True)
    fix = finding["fix"].partition(" closes")[0].split()
    assert world.run(*fix[1:])[0] == 0
    assert world.run("store", "check")[0] == 0


def test_an_export_holds_no_secret(world: World, tmp_path: Path) -> None:
    assert world.run("credly", "batch-sync", "--yes")[0] == 0
    assert world.run("store", "export", str(tmp_path / "out"))[0] == 0
    own = world.box.docebo.credentials
    secrets = [world.box.credly.token, own.client_secret, own.password, *world.box.docebo.access_tokens]
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert len(written) > 1000
    assert not [secret for secret in secrets if secret.encode() in written]


def test_a_tampered_ledger_is_found(world: World) -> None:
    with open_store("sqlite:///store.db", world.home) as store:
        assert store.execute("UPDATE ledger_log SET detail='x' WHERE seq=(SELECT min(seq) FROM ledger_log)") == 1
    code, out, _ = world.run("store", "check", "--json")
    assert code == 3
    assert {finding["check"] for finding in json.loads(out)["findings"]} == {"ledger"}
    assert os.environ["CONNECTCTL_HOME"] != str(world.home)
