"""Writes telephone numbers: as the register does, and as people read them."""

import re

import phonenumbers

COUNTRY = "GB"
WITHOUT_PLUS = re.compile(r"[1-9][0-9]{8,14}")


def with_plus(number: str) -> str:
    """A number with its country's code, as some providers write it. Anything else stays as it came."""
    return f"+{number}" if WITHOUT_PLUS.fullmatch(number.strip()) else number


def e164(sender: str) -> str:
    """The number in the register's form. Anything but a phone number stays as it came."""
    try:
        number = phonenumbers.parse(sender, COUNTRY)
    except phonenumbers.NumberParseException:
        return sender
    if not phonenumbers.is_possible_number(number):
        return sender
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def format_number(number: str) -> str:
    """With spaces, and without the country code of a British number: as it is read out and dialled. Anything but a
    phone number stays as it is.
    """
    try:
        parsed = phonenumbers.parse(number, COUNTRY)
    except phonenumbers.NumberParseException:
        return number
    at_home = parsed.country_code == phonenumbers.country_code_for_region(COUNTRY)
    form = phonenumbers.PhoneNumberFormat.NATIONAL if at_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, form)
