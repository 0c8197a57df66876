"""Declares the field types of imports and agencies' events. Their errors name the correct form, never the value."""

import binascii
from base64 import b64decode
from datetime import time
from typing import Annotated, Any

import idna
import phonenumbers
from cryptography.x509 import load_pem_x509_certificates
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from services.safeguarding.message import KIND

OWN_SOURCES = "/safe-return/"
EMAIL_MOST = 254


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


def _secret(value: str) -> str:
    try:
        b64decode(value.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("whsec_ and the base64 of at least 24 bytes are needed") from None
    return value


def _certificates(value: str) -> str:
    try:
        load_pem_x509_certificates(value.encode())
    except ValueError:
        raise ValueError("one or more certificates in PEM are needed") from None
    return value


def _hour(value: Any) -> Any:
    return "00:00" if value == "24:00" else value


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
Secret = Annotated[
    str,
    StringConstraints(pattern=r"^whsec_[A-Za-z0-9+/]{32,}={0,2}$", max_length=200),
    AfterValidator(_secret),
    Field(description="whsec_ and the base64 of at least 24 bytes."),
]
Certificates = Annotated[
    str, StringConstraints(max_length=20_000), AfterValidator(_certificates), Field(description="PEM.")
]
Hour = Annotated[
    time,
    BeforeValidator(_hour),
    WithJsonSchema(
        {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", "description": "Local time."}
    ),
]
Source = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=200), AfterValidator(_foreign)]
Kind = Annotated[str, AfterValidator(_kind), Field(examples=["child.reported-missing.v1"])]
