"""Says what wraps an authority's key, and how a key that is one authority's is named."""

from typing import Protocol

from cryptography.exceptions import InvalidTag

AUTHORITY = "{authority}"
"""In the name of the key above: the authority's id."""
OF_NO_AUTHORITY = "*"
"""In place of an authority's id: unknown numbers, forces, agencies, accounts, children who are not identified yet."""


class KeyServiceAway(ConnectionError):
    """The module or service that holds the key does not answer. It passes: the work is repeated."""


class KeyMissing(KeyServiceAway):
    """One authority's own key is not there, or is disabled. Others' work need not wait for it: this does not pass by
    itself.
    """


DOES_NOT_OPEN = (InvalidTag, KeyMissing)
"""Says of one row that it stays closed, and nothing of the others."""


def is_away(error: BaseException) -> bool:
    """Whether the work may be put off until the key is there, while others' keys are."""
    return isinstance(error, KeyServiceAway) and not isinstance(error, KeyMissing)


class KeyWrapper(Protocol):
    """Called rarely: an unwrapped key is kept in memory. A call holds the process up until it is answered."""

    def wrap(self, authority: str, key: bytes) -> bytes:
        """Raises KeyServiceAway."""

    def unwrap(self, authority: str, wrapped: bytes) -> bytes:
        """Raises InvalidTag if it was wrapped by another key, or the key may not be used; KeyServiceAway."""


def is_its_own(name: str, authority: str) -> bool:
    """Whether a key of this name is one authority's alone. What belongs to none is everybody's."""
    return AUTHORITY in name and authority != OF_NO_AUTHORITY


def fill_in_authority(name: str, authority: str) -> str:
    """`_` stands for what belongs to no authority: an alias of AWS KMS may not hold an asterisk."""
    return name.replace(AUTHORITY, authority.replace(OF_NO_AUTHORITY, "_"))
