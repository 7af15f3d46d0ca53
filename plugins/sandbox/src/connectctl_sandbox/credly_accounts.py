"""The earners' Credly accounts: each has one or more e-mail addresses, and the first is the one it shows."""

from __future__ import annotations


class Accounts:
    """Who has which addresses, all in lower case. An address belongs to one account at most."""

    def __init__(self) -> None:
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._by_address: dict[str, str] = {}

    def put(self, account_id: str, emails: tuple[str, ...]) -> None:
        """Give an account these addresses and no others; ValueError for none, or one that another account has."""
        addresses = tuple(dict.fromkeys(email.lower() for email in emails))
        taken = [address for address in addresses if self._by_address.get(address, account_id) != account_id]
        if not addresses or taken:
            raise ValueError(f"{taken[0]} is another account's" if taken else "an account needs an address")
        for address in self._addresses.get(account_id, ()):
            del self._by_address[address]
        self._addresses[account_id] = addresses
        self._by_address |= dict.fromkeys(addresses, account_id)

    def of(self, email: str) -> str | None:
        """The id of the account that has this address, None without one."""
        return self._by_address.get(email.lower())

    def addresses(self, account_id: str | None) -> tuple[str, ...]:
        """The addresses of an account, the one it shows first; none for an unknown account."""
        return self._addresses.get(account_id or "", ())
