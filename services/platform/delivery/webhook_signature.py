"""Checks the signature of a webhook that somebody sends us (Standard Webhooks 1.0)."""

from collections.abc import Iterable, Mapping

from standardwebhooks import Webhook, WebhookVerificationError


def is_signed(body: bytes, headers: Mapping[str, str], secrets: Iterable[str]) -> bool:
    """Whether any of `secrets` signs it, within five minutes of now. Header names in lower case."""
    given = dict(headers)
    return any(_is_signed_with(secret, body, given) for secret in secrets)


def _is_signed_with(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True
