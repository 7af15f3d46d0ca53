"""What the platform's lists have refused, remembered between runs, so that a list is one request and not two."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from connectctl.model import RunContext


def recall_refusals(ctx: RunContext, *, anew: bool) -> None:
    """Tells the client what earlier runs have learnt; `anew`: forgets it, and the lists are tried in full again."""
    docebo, known = ctx.client("docebo"), _known(ctx)
    if anew:
        for endpoint in list(known):
            del known[endpoint]
    docebo.refused.update({endpoint: tuple(extras) for endpoint, extras in known.items()})


def keep_refusals(ctx: RunContext) -> None:
    """Remembers what the lists of this run have refused."""
    known = _known(ctx)
    for endpoint, extras in ctx.client("docebo").refused.items():
        if list(extras) != known.get(endpoint, []):
            known[endpoint] = list(extras)


def _known(ctx: RunContext) -> MutableMapping[str, Any]:
    return ctx.cached(f"refusals/{ctx.client('docebo').account}")
