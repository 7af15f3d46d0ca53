"""Credentials about to be imported, read alone where the provider's lists leave out what an import needs (AC-45)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

from connectctl.badging import inward_plan
from connectctl.badging.chains import Chain
from connectctl.badging.inward_view import AwardView, TrainingView
from connectctl.badging.provider import Credential, Provider, ReadsAlone
from connectctl.errors import BadAnswer, DataError, NotAllowed, Rejected
from connectctl.model import Problem

Block = TrainingView | AwardView
THREADS = 4
WRITES = frozenset({"create_training", "update_training", "award", "update_award"})


def completed(provider: Provider, view: Block) -> Block:
    """The view with every credential that its plan would write into Docebo as it shows alone; one request for each.

    One that cannot be read, or is gone, is left out as a problem of its own: the block has no cursor then, so that the
    next run looks again (GN-19).
    """
    wanted = sorted({_badge(change.data) for change in inward_plan.plan(view).changes if change.action in WRITES})
    if not wanted:
        return view
    with ThreadPoolExecutor(THREADS, thread_name_prefix="credential") as pool:
        found = dict(zip(wanted, pool.map(_reader(cast("ReadsAlone", provider)), wanted), strict=True))
    bad = tuple(one for one in found.values() if isinstance(one, Problem))
    chains = [read for chain in view.chains if (read := _with(chain, found)) is not None]
    if not bad:
        return replace(view, chains=chains)
    return replace(view, chains=chains, problems=(*view.problems, *bad), cursor=None)


def _badge(data: Any) -> str:
    return str(data.get("external_id") or data.get("code"))


def _reader(provider: ReadsAlone) -> Callable[[str], Credential | Problem]:
    def read(credential_id: str) -> Credential | Problem:
        try:
            one = provider.credential(credential_id)
        except (BadAnswer, DataError, NotAllowed, Rejected) as error:
            return Problem(f"badge:{credential_id}", error.message)
        return one or Problem(f"badge:{credential_id}", f"the credential {credential_id} was listed and is not there")

    return read


def _with(chain: Chain, found: dict[str, Credential | Problem]) -> Chain | None:
    """The chain with its newest as it was read; None when that could not be read."""
    one = found.get(chain.newest.id)
    if isinstance(one, Problem):
        return None
    return chain if one is None else replace(chain, credentials=(*chain.credentials[:-1], one))
