"""The credentials that learners hold already, with the fewest calls (CR-34, CR-71)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from connectctl.badging.provider import Credential, Provider, sound
from connectctl.badging.spool import Spool
from connectctl.errors import Rejected
from connectctl.model import RunContext

_PAGES = "held-pages"  # cache: how many pages of credentials there are in all, by account


@dataclass(slots=True)
class Held:
    """Reads them for one template after the other; those of the last one stay in memory.

    All pages of a template, or look-ups where those are fewer calls; one list of everything where that has no more
    pages than there are templates in question.
    """

    ctx: RunContext
    provider: Provider
    spool: Spool
    whole: bool = False  # no look-ups: every credential of a learner matters, not only the one found first
    _last: tuple[str, list[Credential]] = ("", [])
    _all: dict[str, list[Credential]] | None = None
    _asked: bool = field(default=False)

    def of(self, template: str, needy: Collection[str], templates: int) -> tuple[list[Credential], bool]:
        """The template's credentials, as far as the needy learners are concerned, and whether they were read now.

        `templates`: how many will be asked for in this run.
        """
        if self._last[0] == template:
            return self._last[1], False
        if not self._asked:
            self._asked, self._all = True, self._everything(templates)
        found = self._read(template, needy) if self._all is None else self._all.get(template, [])
        self._last = (template, found)
        return found, True

    def _everything(self, templates: int) -> dict[str, list[Credential]] | None:
        """All credentials by template; None where a list per template is no more calls."""
        known = self.ctx.cached(_PAGES)
        if templates < 2 or known.get(self.provider.account, 0) > templates:
            return None
        by_template: dict[str, list[Credential]] = {}
        try:
            for page in map(sound, self.provider.held(None)):
                if known.get(self.provider.account) != page.pages:
                    known[self.provider.account] = page.pages
                if page.pages > templates or (not page.pages and page.credentials):
                    return None
                for credential in page.credentials:
                    by_template.setdefault(credential.template_id, []).append(credential)
        except Rejected:  # a provider that lists no credentials without naming a template
            return None
        return by_template

    def _read(self, template: str, needy: Collection[str]) -> list[Credential]:
        credentials: list[Credential] = []
        for number, page in enumerate(map(sound, self.provider.held(template)), 1):
            credentials += page.credentials
            if not self.whole and page.pages - number > 2 * len(needy):
                for user in sorted(needy):
                    person = self.spool.person(user)
                    credentials += self.provider.find(template, user, person[0] if person else "")
                break
        return credentials
