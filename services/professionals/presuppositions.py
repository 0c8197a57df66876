"""Puts a sentence that is so in the place of one that is not, as the duty says what is."""

from services.safeguarding.duty.duties import Duty
from services.safeguarding.duty.facts import PRESUPPOSED
from services.safeguarding.roles import Wording
from services.wording.presuppositions import choose_true, show_from_the_start

show_from_the_start(PRESUPPOSED)


def say_what_is_so(duty: Duty) -> Duty:
    """The protocol chose by the same facts, unless it is of another release. Without them the wording stays."""
    if duty.holds is None:
        return duty
    return duty.model_copy(update={"wording": Wording(choose_true(duty.wording, frozenset(duty.holds), PRESUPPOSED))})
