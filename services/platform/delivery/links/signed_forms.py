"""Reads forms that Twilio posts, byte by byte, so that what is not UTF-8 is not lost, and checks their signature.

Twilio does not say what it signs of bytes that are not UTF-8: the bytes themselves, or one of the ways to read them.
Each is tried. None can be made without the account's token, so the choice lets nobody in.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request

from services.platform.delivery import metrics
from services.platform.delivery.channels.sms import Pairs, Tokens, bytes_are_signed, signature_is_valid
from services.platform.runtime.http.problems import Problem, body_within, media_type_of
from services.platform.runtime.limits import FORM_BYTES, FORM_FIELDS

SIGNATURE = "x-twilio-signature"
SIGNATURES_LOOKED_AT = 4
FORM_TYPE = "application/x-www-form-urlencoded"
Form: TypeAlias = ImmutableMultiDict[str, str]


class Whose(StrEnum):
    """Who a refused request is from, as far as it shows."""

    TWILIO = "twilio"
    """Its signature is right: what was refused may be somebody's report."""
    ACCOUNT = "account"
    """It names our account, which strangers do not know, with a wrong signature: our token or URL may be old."""
    NOTIFY = "notify"
    """Its token is right."""
    ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class SignedForm:
    """`undecodable` names the fields whose bytes are no UTF-8. They were read as Windows-1252, which loses no byte."""

    fields: Form
    undecodable: frozenset[str]


class TwilioDoor:
    """Lets in what Twilio sends for one of `accounts` to the public URL, and counts what it refuses."""

    def __init__(self, name: metrics.DoorName, *, public_url: str, tokens: Tokens, accounts: Collection[str]) -> None:
        self._name, self._public_url = name, public_url.rstrip("/")
        self._tokens, self._accounts = tokens, accounts
        metrics.begin_counts(name)

    async def signed_form(self, request: Request) -> SignedForm:
        """Raises Problem: 415 for another type, 413 over 64 KiB, 400 for what is no form and for several signatures,
        403 without Twilio's signature and for another account.
        """
        if media_type_of(request) != FORM_TYPE:
            detail = f"The content type must be {FORM_TYPE}."
            status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
            raise self.refusal(status, "Not a form", detail, "content-type", Whose.ANYBODY)
        pairs = await self._pairs(request)
        form = _decoded(pairs)
        signatures = _signatures(request)
        url = f"{self._public_url}{request.scope['path']}{_query(request)}"
        by_twilio = any(self._is_signed(url, pairs, form, each) for each in signatures[:SIGNATURES_LOOKED_AT])
        whose = Whose.TWILIO if by_twilio else self._unsigned(form)
        if len(signatures) > 1:
            detail = "X-Twilio-Signature must be there once, with one signature."
            raise self.refusal(HTTPStatus.BAD_REQUEST, "Several signatures", detail, SIGNATURE, whose)
        if not by_twilio:
            detail = "X-Twilio-Signature must be Twilio's signature of the public URL and this form."
            raise self.refusal(HTTPStatus.FORBIDDEN, "Not from Twilio", detail, SIGNATURE, whose)
        if set(form.fields.getlist("AccountSid")) - set(self._accounts):
            detail = "AccountSid must be the account that this service was told of."
            raise self.refusal(HTTPStatus.FORBIDDEN, "Another account", detail, "AccountSid", whose)
        metrics.SIGNED.inc()
        return form

    def refusal(self, status: HTTPStatus, title: str, detail: str, field: str, whose: Whose) -> Problem:
        """Counted, and to be raised."""
        metrics.REFUSED.labels(self._name, title, whose).inc()
        return Problem(status, title, detail, field=field)

    async def _pairs(self, request: Request) -> Pairs:
        try:
            raw = await body_within(request, FORM_BYTES)
        except Problem as problem:
            metrics.REFUSED.labels(self._name, problem.title, Whose.ANYBODY).inc()
            raise
        try:
            found = parse_qsl(
                raw.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=FORM_FIELDS
            )
        except ValueError:
            detail = f"A form of {FORM_FIELDS} fields at most is needed."
            raise self.refusal(HTTPStatus.BAD_REQUEST, "Not a form", detail, "body", Whose.ANYBODY) from None
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found]

    def _is_signed(self, url: str, pairs: Pairs, form: SignedForm, signature: str) -> bool:
        tokens = self._tokens()
        if not form.undecodable:
            return signature_is_valid(url, form.fields, signature, tokens)
        if bytes_are_signed(url, pairs, signature, tokens):
            return True
        return any(signature_is_valid(url, _read(pairs, each), signature, tokens) for each in READINGS)

    def _unsigned(self, form: SignedForm) -> Whose:
        return Whose.ACCOUNT if set(form.fields.getlist("AccountSid")) & set(self._accounts) else Whose.ANYBODY


def _windows(raw: bytes) -> str:
    """Five bytes mean nothing in Windows-1252."""
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


READINGS: tuple[Callable[[bytes], str], ...] = (
    partial(str, encoding="latin-1"),
    _windows,
    partial(str, encoding="utf-8", errors="replace"),
)


def _decoded(pairs: Pairs) -> SignedForm:
    undecodable = {_or(name, _windows) for name, value in pairs if not (_is_utf8(name) and _is_utf8(value))}
    return SignedForm(_read(pairs, _windows), frozenset(undecodable))


def _read(pairs: Pairs, otherwise: Callable[[bytes], str]) -> Form:
    return ImmutableMultiDict([(_or(name, otherwise), _or(value, otherwise)) for name, value in pairs])


def _or(raw: bytes, otherwise: Callable[[bytes], str]) -> str:
    return raw.decode() if _is_utf8(raw) else otherwise(raw)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _signatures(request: Request) -> list[str]:
    """As many as there are, in however many headers: a comma and a blank are in none."""
    return [each for header in request.headers.getlist(SIGNATURE) for each in header.replace(",", " ").split()]


def _query(request: Request) -> str:
    raw = request.scope["query_string"].decode("latin-1")
    return f"?{raw}" if raw else ""
