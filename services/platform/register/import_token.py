"""Makes and hashes the tokens with which an authority's systems import its register. Only the hashes are kept."""

import hashlib
import secrets


def new_token() -> str:
    """256 bits: its hash needs no salt. The prefix lets scanners of leaked secrets know it."""
    return f"srreg_{secrets.token_urlsafe(32)}"


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
