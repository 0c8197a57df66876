"""Declares the field types of imports and agencies' events. Their errors name the correct form, never the value."""

import binascii
from base64 import b64decode
from datetime import time
from typing import Annotated

import idna
import phonenumbers
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from services.safeguarding.message import KIND

OWN_SOURCES = "/safe-return/"
EMAIL_MOST = 254
SECRET_BYTES = 24
KEY_BYTES = frozenset({32, 64})
"""Of an Ed25519 key: a private one may come with its public half behind it."""


class Closed(BaseModel):
    """Has no other fields, and its errors do not repeat what was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _number(value: str) -> str:
    wanted = "a number in international form is needed, such as +447700900100"
    try:
        parsed = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        raise ValueError(wanted) from None
    if phonenumbers.format_number(
        parsed, phonenumbers.PhoneNumberFormat.E164
    ) != value or not phonenumbers.is_possible_number(parsed):
        raise ValueError(wanted)
    return value


def _email(value: str) -> str:
    """With its domain in ASCII. A mailbox must be ASCII, since relays need not support RFC 6531."""
    mailbox, _, domain = value.rpartition("@")
    if not mailbox.isascii():
        raise ValueError("a mail address whose part before the @ has letters without accents alone is needed")
    if domain.isascii():
        return value
    wanted = "a mail address whose domain can be written in DNS is needed"
    try:
        address = f"{mailbox}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        raise ValueError(wanted) from None
    if len(address) > EMAIL_MOST:
        raise ValueError(wanted)
    return address


def _key(value: str) -> str:
    kind, _, encoded = value.partition("_")
    try:
        length = len(b64decode(encoded, validate=True))
    except binascii.Error:
        length = 0
    if (length < SECRET_BYTES) if kind == "whsec" else (length not in KEY_BYTES):
        wanted = (
            "whsec_ and the base64 of at least 24 bytes, or an Ed25519 key (whsk_ of ours, whpk_ of theirs), is needed"
        )
        raise ValueError(wanted)
    return value


def _certificates(value: str) -> str:
    try:
        load_pem_x509_certificates(value.encode())
    except ValueError:
        raise ValueError("one or more certificates in PEM are needed") from None
    return value


def _certificate_with_key(value: str) -> str:
    try:
        load_pem_private_key(value.encode(), None)
    except (ValueError, TypeError):
        raise ValueError("a certificate in PEM and its private key, without a password, are needed") from None
    return _certificates(value)


def _kind(value: str) -> str:
    if KIND.match(value) is None:
        raise ValueError("a kind of event is needed, such as child.reported-missing.v1")
    return value


def _foreign(value: str) -> str:
    if value.startswith(OWN_SOURCES):
        raise ValueError(f"{OWN_SOURCES} is Safe Return's own")
    return value


Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=60)]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Number = Annotated[str, AfterValidator(_number), Field(description="E.164.", examples=["+447700900100"])]
Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$", max_length=EMAIL_MOST),
    AfterValidator(_email),
]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
SigningKey = Annotated[
    str,
    StringConstraints(pattern=r"^(whsec|whsk)_[A-Za-z0-9+/]+={0,2}$", max_length=200),
    AfterValidator(_key),
]
"""Signs what we send: whsec_ is known to both sides, whsk_ to us alone (the other side has its whpk_)."""
VerifyingKey = Annotated[
    str,
    StringConstraints(pattern=r"^(whsec|whpk)_[A-Za-z0-9+/]+={0,2}$", max_length=200),
    AfterValidator(_key),
]
"""Verifies what the other side sends."""
Certificates = Annotated[
    str, StringConstraints(max_length=20_000), AfterValidator(_certificates), Field(description="PEM.")
]
CertificateWithKey = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_certificate_with_key)]
AgencyId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Hour = Annotated[
    time,
    BeforeValidator(lambda value: "00:00" if value == "24:00" else value),
    WithJsonSchema(
        {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", "description": "Local time."}
    ),
]
Source = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=200), AfterValidator(_foreign)]
Kind = Annotated[str, AfterValidator(_kind), Field(examples=["child.reported-missing.v1"])]
