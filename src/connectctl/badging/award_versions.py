"""Which of two versions of an award is the newer one: award id, day of issue, expiry (GN-21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connectctl.badging.plan import stamp
from connectctl.docebo.certifications import Award

NEVER = "never"


@dataclass(frozen=True, slots=True)
class Behind:
    """The version of the award behind a credential of ours, as the ledger has it. Times are texts of one form."""

    award: str
    issued_at: str
    expires_at: str

    @property
    def text(self) -> str:
        """As it stands in the ledger."""
        return "@".join((self.award, self.issued_at, self.expires_at))

    def has_expired(self, now: datetime) -> bool:
        """Whether the award has come to its end by itself; that is no revocation (GN-34)."""
        return self.expires_at != NEVER and self.expires_at <= stamp(now)


def version(award: Award) -> str:
    """`<award id>@<issued_at>@<expires_at or never>`."""
    issued = stamp(award.issued_at) if award.issued_at else ""
    return "@".join((award.id, issued, stamp(award.expires_at) if award.expires_at else NEVER))


def behind(text: str) -> Behind | None:
    """The version without what a credential that follows others adds behind slashes; None for another kind."""
    award, _, rest = text.partition("/")[0].partition("@")
    issued, found, expires = rest.partition("@")
    return Behind(award, issued, expires) if found else None


def order(award: Award) -> tuple[str, int, str]:
    """Oldest first: by issue, then by id, which Docebo counts upwards."""
    return _order(stamp(award.issued_at) if award.issued_at else "", award.id)


def is_newer(award: Award, before: Behind | None) -> bool:
    """Whether it asks for another credential than the one it was made for: the same award changed, or a later one."""
    if before is None:
        return False
    if award.id == before.award:
        return version(award) != before.text
    return order(award) > _order(before.issued_at, before.award)


def is_another(award: Award, before: Behind) -> bool:
    """Another award than the one behind a revoked credential: another id, or issued later (CR-67)."""
    return award.id != before.award or order(award)[0] > before.issued_at


def _order(issued: str, award: str) -> tuple[str, int, str]:
    return issued, int(award) if award.isdecimal() and award.isascii() else 0, award
