"""One database per profile: TinyDB tables for plugins and people, typed tables for the core, in one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from connectctl.errors import ConfigError, SettingInvalid

if TYPE_CHECKING:
    from connectctl.store.engine import Engine
    from connectctl.store.store import Store

SCHEME = "sqlite:///"


def open_store(url: str, data_dir: Path, *, timeout: float = 30.0) -> Store:
    """Opens the store, making or upgrading it where needed; `timeout`: seconds a writer waits for its turn.

    `sqlite:///store.db` is relative to the data folder, `sqlite:////var/lib/x.db` is absolute. Raises ConfigError for
    a URL that is not understood, StoreError and its kinds for a file that cannot be used.
    """
    from connectctl.store.schema import refuse_unfinished
    from connectctl.store.store import Store

    store = Store(open_engine(url, data_dir, timeout=timeout))
    try:
        refuse_unfinished(store.engine)
    except BaseException:
        store.close()
        raise
    return store


def open_engine(url: str, data_dir: Path, *, timeout: float = 30.0, read_only: bool = False) -> Engine:
    """The database of a URL as it is, for its care. Raises as `open_store`."""
    path = store_file(url, data_dir)
    from connectctl.store.sqlite import SqliteEngine

    return SqliteEngine(path, timeout, read_only=read_only)


def store_file(url: str, data_dir: Path) -> Path:
    """The file that a URL names. Raises ConfigError for a URL that is not understood."""
    scheme = url.partition(":")[0]
    if scheme in ("postgresql", "postgres"):  # the URL may hold a password: it is not repeated
        raise ConfigError(
            "[store] url names PostgreSQL, and that extra is not part of this version yet",
            hint='set [store] url = "sqlite:///store.db" in config.toml',
        )
    if not url.startswith(SCHEME) or not url.removeprefix(SCHEME) or url.endswith("/"):
        raise SettingInvalid(
            "[store] url is not of the form sqlite:///FILE" + (f" but begins with {scheme}:" if ":" in url else ""),
            hint='set [store] url = "sqlite:///store.db" in config.toml',
        )
    return data_dir / url.removeprefix(SCHEME)
