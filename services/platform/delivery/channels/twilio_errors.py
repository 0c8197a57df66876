"""Says what follows from each of Twilio's errors: try again, ring instead, or go on to the next person."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from services.safeguarding.duty.duties import FailureReason


@dataclass(frozen=True, slots=True)
class Meaning:
    """`reason` None: it passes, try again. `operator`: only new settings, or a change to the account, mend it."""

    reason: FailureReason | None
    operator: bool = False
    by_voice: bool = False
    """A call may get through where a text does not."""

    @property
    def passes(self) -> bool:
        return self.reason is None


KINDS = {
    "passes": Meaning(None),
    "passes-with-help": Meaning(None, operator=True),
    "no-such-number": Meaning("no-address"),
    "not-by-text": Meaning("undeliverable", by_voice=True),
    "not-reached-our-fault": Meaning("undeliverable", operator=True, by_voice=True),
    "opted-out": Meaning("opted-out"),
}
WRITTEN: dict[str, dict[int, str]] = yaml.load(Path(__file__).with_suffix(".yaml").read_text(), yaml.CSafeLoader)
MEANINGS = {code: KINDS[kind] for kind, codes in WRITTEN.items() for code in codes}


NOTIFY = {
    "permanent-failure": KINDS["not-by-text"],
    "temporary-failure": KINDS["not-by-text"],
    "technical-failure": KINDS["passes"],
}
"""By the status that GOV.UK Notify gives a text that did not arrive."""


def meaning(code: int | None, status: int | None = None) -> Meaning:
    """Of a code that is not in the table the HTTP status decides: a refusal is one, anything else may pass."""
    if code in MEANINGS:
        return MEANINGS[code]
    if status is not None and 400 <= status < 500 and status not in {408, 425, 429}:
        return KINDS["not-reached-our-fault"]
    return KINDS["passes"]
