"""How names are compared: as users type them, and with a guess at what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable


def slug(name: str) -> str:
    """The kebab-case form under which a name is found: `Credly Badge Templates` and `credly-badge-templates` agree."""
    return re.sub(r"[\s_-]+", "-", name.strip().casefold())


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that is most like this one, capitals aside; None when none is near."""
    import difflib

    names = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), names, n=1, cutoff=cutoff)
    return names[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """`; did you mean X?` for the nearest known word, or nothing."""
    near = nearest(word, known, cutoff)
    return f"; did you mean {near}?" if near else ""
