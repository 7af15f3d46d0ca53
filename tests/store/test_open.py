"""Opening: private files, refusals that say what to do, and speed."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from connectctl.errors import ConfigError, ConnectctlError, SchemaTooNew, StoreCorrupt, StoreError
from connectctl.store import open_store, schema
from connectctl.store.files import network_type
from connectctl.store.store import Store

URL = "sqlite:///store.db"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_store_is_private_from_the_start(tmp_path: Path) -> None:
    data = tmp_path / "new" / "folder"
    before = os.umask(0)
    try:
        with open_store(URL, data) as store:
            store.documents("x").insert({})
            assert {mode(path) for path in data.iterdir()} == {0o600}
            assert {path.name for path in data.iterdir()} == {
                "store.db", "store.db-wal", "store.db-shm", "store.db-gate"
            }  # fmt: skip
    finally:
        os.umask(before)
    assert (mode(data), mode(data.parent)) == (0o700, 0o700)


def test_every_commit_is_on_the_disk(store: Store) -> None:
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "auto_vacuum")
    assert [store.query(f"PRAGMA {name}")[0][0] for name in pragmas] == ["wal", 2, 1, 10_000, 2]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sqlite:///store.db", "data/store.db"),
        ("sqlite:///sub/my store%20?#.db", "data/sub/my store%20?#.db"),
        ("sqlite:///../beside.db", "beside.db"),
        ("sqlite:///{tmp}/absolute.db", "absolute.db"),
    ],
)
def test_where_the_file_lies(url: str, place: str, tmp_path: Path) -> None:
    with open_store(url.replace("{tmp}", str(tmp_path)), tmp_path / "data") as store:
        store.meta_set("x", "y")
        assert store.path is not None
        assert store.path.samefile(tmp_path / place)
        assert store.url == f"sqlite:///{store.path}"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://user:secret@host/db", "PostgreSQL.*not part of this version"),
        ("mysql://user:secret@host/db", "begins with mysql:"),
        ("sqlite://store.db", "begins with sqlite:"),
        ("sqlite:///", "begins with sqlite:"),
        ("sqlite:///folder/", "begins with sqlite:"),
        ("store.db", "not of the form"),
        ("", "not of the form"),
    ],
)
def test_other_urls_are_refused_without_their_secrets(url: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        open_store(url, tmp_path / "data")
    assert "secret" not in refused.value.message + refused.value.hint
    assert "sqlite:///store.db" in refused.value.hint
    assert not (tmp_path / "data").exists()


def test_the_store_keeps_its_id(tmp_path: Path) -> None:
    with open_store(URL, tmp_path) as store:
        first = store.store_id
    with open_store(URL, tmp_path) as store:
        assert store.store_id == first
    with open_store("sqlite:///other.db", tmp_path) as other:
        assert len(first) == 32
        assert other.store_id != first


def test_an_up_to_date_store_is_opened_without_the_gate_or_a_write(tmp_path: Path) -> None:
    open_store(URL, tmp_path).close()
    (tmp_path / "store.db-gate").unlink()
    before = (tmp_path / "store.db").stat()
    with open_store(URL, tmp_path) as store:
        assert store.meta_get("schema_version") == str(len(schema.STEPS))
    after = (tmp_path / "store.db").stat()
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    assert not (tmp_path / "store.db-gate").exists()


def test_an_older_store_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(URL, tmp_path) as store:
        store.meta_set("kept", "x")
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, "CREATE TABLE later(x {serial});\nCREATE INDEX y ON later(x)"))
    with open_store(URL, tmp_path) as store:
        assert (store.meta_get("kept"), store.meta_get("schema_version")) == ("x", str(len(schema.STEPS)))
        assert store.query("SELECT * FROM later") == []


def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as old:
        old.setattr(schema, "STEPS", schema.STEPS[:1])
        with open_store(URL, tmp_path) as store:
            store.meta_set("kept", "x")
    with open_store(URL, tmp_path) as store:
        assert store.meta_get("kept") == "x"
        assert store.query("SELECT * FROM cursors") == store.query("SELECT * FROM open_items") == []


def test_a_step_that_fails_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(URL, tmp_path).close()
    steps = schema.STEPS
    monkeypatch.setattr(schema, "STEPS", (*steps, "CREATE TABLE later(x);\nCREATE NONSENSE"))
    with pytest.raises(sqlite3.OperationalError):
        open_store(URL, tmp_path)
    monkeypatch.setattr(schema, "STEPS", steps)
    with open_store(URL, tmp_path) as store:
        assert "later" not in store.engine.tables()


def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    with open_store(URL, tmp_path) as store:
        store.meta_set("schema_version", "99")
    with pytest.raises(SchemaTooNew, match=r"newer connectctl \(schema 99, this one knows") as refused:
        open_store(URL, tmp_path)
    assert "upgrade" in refused.value.hint


def not_a_database(path: Path) -> None:
    path.write_bytes(b"this is not a database, it is a shopping list\n" * 100)


def damaged(path: Path) -> None:
    with open_store(URL, path.parent) as store:
        store.documents("x").insert_multiple({"n": "y" * 500} for _ in range(200))
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 4000)


def another_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE albums(title)")
    connection.close()


def without_version(path: Path) -> None:
    with open_store(URL, path.parent) as store:
        store.execute("DELETE FROM meta")


def link(path: Path) -> None:
    open_store("sqlite:///elsewhere.db", path.parent).close()
    path.symlink_to("elsewhere.db")


def dangling_link(path: Path) -> None:
    path.symlink_to("nowhere.db")


@pytest.mark.parametrize(
    ("spoil", "kind", "words", "hint"),
    [
        (not_a_database, StoreCorrupt, "damaged or not a database", "backup"),
        (damaged, StoreCorrupt, "damaged or not a database", "backup"),
        (without_version, StoreCorrupt, "does not say which version", "backup"),
        (another_program, StoreError, "database of another program", "another place"),
        (link, StoreError, "is a symbolic link", "remove the link"),
        (dangling_link, StoreError, "is a symbolic link", "remove the link"),
        (Path.mkdir, StoreError, "is not a file", "another place"),
        (os.mkfifo, StoreError, "is not a file", "another place"),
    ],
)
def test_a_file_that_is_no_store_is_refused(
    spoil: object, kind: type[ConnectctlError], words: str, hint: str, tmp_path: Path
) -> None:
    path = tmp_path / "store.db"
    spoil(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(kind, match=words) as refused:
        open_store(URL, tmp_path)
    assert str(path) in refused.value.message
    assert hint in refused.value.hint
    assert refused.value.exit_code == 3
    assert (path.read_bytes() if path.is_file() else None) == before
    assert not (tmp_path / "nowhere.db").exists()


def test_damage_that_shows_later_is_named_too(tmp_path: Path) -> None:
    with open_store(URL, tmp_path) as store:
        store.documents("x").insert_multiple({"n": "y" * 500} for _ in range(2000))
    path = tmp_path / "store.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 8192)
    with open_store(URL, tmp_path) as store:
        assert store.check() != []
        with pytest.raises(StoreCorrupt):
            store.documents("x").all()


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(StoreError, match=r"data/store.db cannot be made") as refused:
        open_store(URL, tmp_path / "data")
    assert "a folder that you can write to" in refused.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        open_store(URL, tmp_path / "data")


def test_a_store_that_others_can_read_is_a_finding(store: Store) -> None:
    assert store.path is not None
    store.path.chmod(0o640)
    assert store.check() == [f"{store.path} can be read by other users"]


MOUNTS = """\
/dev/vda / ext4 rw 0 0
proc /proc proc rw 0 0
filer:/home /home nfs4 rw 0 0
/dev/vdb /home/local ext4 rw 0 0
//pc/share /mnt/with\\040space cifs rw 0 0
/dev/vdc /over ext4 rw 0 0
host: /over fuse.sshfs rw 0 0
odd line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/store.db", None),
        ("/home/ada/store.db", "nfs4"),
        ("/homely/store.db", None),
        ("/home/local/store.db", None),
        ("/mnt/with space/x/store.db", "cifs"),
        ("/over/store.db", "fuse.sshfs"),
    ],
)
def test_network_file_systems_are_known(path: str, kind: str | None) -> None:
    assert network_type(Path(path), MOUNTS) == kind


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectctl.store.files.network_type", lambda path, mounts: "nfs4")
    with pytest.raises(StoreError, match=r"network file system \(nfs4\)") as refused:
        open_store(URL, tmp_path)
    assert "local disk" in refused.value.hint
