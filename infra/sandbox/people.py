"""Plays the people behind the phones. Some answer by themselves."""

import asyncio
import re

from infra.sandbox.config import Phone
from infra.sandbox.errands import Errands
from infra.sandbox.phone_network import PhoneNetwork
from infra.sandbox.texts import Text

SECONDS_TO_ANSWER = 1.0
_CODE = re.compile(r"\bOK ((?:[A-Z]\d{1,4} )?[2-9BCDFGHJKMNPQRSTVWXZ]{5})\b")


class People:
    """Who holds which phone. Staff who answer send back the `OK <code>` that a text asks for, about a second later."""

    def __init__(self, phones: tuple[Phone, ...], network: PhoneNetwork, errands: Errands) -> None:
        self.phones = {phone.number: phone for phone in phones}
        self._network, self._errands = network, errands
        network.arrived.append(self._read)

    def set_answers(self, number: str, *, answers: bool) -> Phone:
        """Tell the holder of a phone to answer by themselves, or not to. An unnamed number becomes one of the staff."""
        unnamed = Phone(number=number, name="Somebody", role="staff")
        phone = self.phones.get(number, unnamed).model_copy(update={"answers": answers})
        self.phones[number] = phone
        return phone

    def _read(self, text: Text) -> None:
        codes: list[str] = _CODE.findall(text.body)
        if codes and self._answers(text.recipient):
            self._errands.start(self._answer(text.recipient, codes[-1], text.sender))

    async def _answer(self, number: str, code: str, to: str) -> None:
        await asyncio.sleep(SECONDS_TO_ANSWER)
        if self._answers(number):
            self._network.receive(number, f"OK {code}", to)

    def _answers(self, number: str) -> bool:
        phone = self.phones.get(number)
        return phone is not None and phone.role == "staff" and phone.answers
