"""Twilio's error codes and what follows from each: try again, ring instead, or leave this person and go on to the next. A table, pure.

Source: https://www.twilio.com/docs/api/errors, as of the twilio library 9.13.
"""

from dataclasses import dataclass

from services.safeguarding.duty.outcomes import FailureReason


@dataclass(frozen=True, slots=True)
class Meaning:
    """`reason` None: it passes, try again. `operator`: only a change of our settings or account mends it, so somebody is told."""

    reason: FailureReason | None
    operator: bool = False
    by_voice: bool = False
    """A call may get through where a text does not."""

    @property
    def passes(self) -> bool:
        return self.reason is None


PASSES = Meaning(None)
PASSES_WITH_HELP = Meaning(None, operator=True)
NO_SUCH_NUMBER = Meaning("no-address")
NOT_BY_TEXT = Meaning("undeliverable", by_voice=True)
NOT_REACHED_OUR_FAULT = Meaning("undeliverable", operator=True, by_voice=True)

MEANINGS: dict[int, Meaning] = {
    20003: PASSES_WITH_HELP,  # wrong credentials: nothing goes out at all until they are mended
    20005: PASSES_WITH_HELP,  # account not active
    20429: PASSES,  # too many requests
    20500: PASSES,  # internal error
    20503: PASSES,  # service unavailable
    21211: NO_SUCH_NUMBER,  # invalid To
    21214: NO_SUCH_NUMBER,  # To cannot be reached
    21217: NO_SUCH_NUMBER,  # number does not appear valid
    21265: NO_SUCH_NUMBER,  # a short code
    21401: NO_SUCH_NUMBER,
    21408: NOT_REACHED_OUR_FAULT,  # region not enabled for the account
    21602: NOT_REACHED_OUR_FAULT,  # no body
    21603: PASSES_WITH_HELP,  # no From
    21604: NO_SUCH_NUMBER,  # no To
    21606: PASSES_WITH_HELP,  # From is not ours
    21610: Meaning("opted-out"),  # the person texted STOP
    21611: PASSES,  # From has too many queued
    21612: NOT_BY_TEXT,  # no route from this From to this To
    21614: NOT_BY_TEXT,  # not a mobile
    21617: NOT_REACHED_OUR_FAULT,  # body too long
    30001: PASSES,  # queue overflow
    30002: PASSES_WITH_HELP,  # account suspended
    30003: NOT_BY_TEXT,  # handset unreachable
    30004: NOT_BY_TEXT,  # blocked
    30005: NOT_BY_TEXT,  # unknown handset
    30006: NOT_BY_TEXT,  # landline
    30007: NOT_REACHED_OUR_FAULT,  # filtered by the carrier
    30008: PASSES,  # unknown error
    30010: NOT_REACHED_OUR_FAULT,  # price over the maximum
    30036: NOT_BY_TEXT,  # validity period expired
    63018: PASSES,  # rate limit of the channel
}


def meaning(code: int | None, status: int | None = None) -> Meaning:
    """Of a code that is not in the table the HTTP status decides: a refusal is one, anything else may pass."""
    if code in MEANINGS:
        return MEANINGS[code]
    if status is not None and 400 <= status < 500 and status not in {408, 425, 429}:
        return NOT_REACHED_OUR_FAULT
    return PASSES
