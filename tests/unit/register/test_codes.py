"""Duty staff name a child by its code, with or without the letter and the noughts."""

from services.platform.register.conversation import codes_of


def test_a_code_is_sought_however_its_digits_may_be_written() -> None:
    found = codes_of(["17", "2001"])
    assert {"C17", "C017", "C0017", "Z17", "A2001"} <= set(found)
    assert {each[1:].lstrip("0") for each in found} == {"17", "2001"}
    assert max(map(len, found)) == 5, "the register has no longer ones"
    assert codes_of([]) == []
