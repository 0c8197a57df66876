"""Writes a telephone number as the register does."""

import phonenumbers

COUNTRY = "GB"


def e164(sender: str) -> str:
    """The number in the register's form. Anything but a phone number stays as it came."""
    try:
        number = phonenumbers.parse(sender, COUNTRY)
    except phonenumbers.NumberParseException:
        return sender
    if not phonenumbers.is_possible_number(number):
        return sender
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
