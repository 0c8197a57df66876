"""Who may be at the door at once."""

from contextlib import ExitStack

import pytest

from services.options.own_accounts.proofs import (
    FAILURES_FROM_ONE_PLACE,
    FAILURES_OF_ONE_PLACE,
    MOST,
    MOST_FROM_ONE_PLACE,
    SignInLimiter,
    is_held_back,
)


def test_one_place_takes_half_of_the_room_and_others_the_rest() -> None:
    crowd = SignInLimiter()
    with ExitStack() as inside:
        here = [inside.enter_context(crowd.slot("192.0.2.1")) for _ in range(MOST)]
        elsewhere = [inside.enter_context(crowd.slot(f"192.0.2.{each + 2}")) for each in range(MOST)]
    assert (here.count(True), elsewhere.count(True)) == (MOST_FROM_ONE_PLACE, MOST - MOST_FROM_ONE_PLACE)


def test_who_has_left_leaves_room_however_it_ended() -> None:
    crowd = SignInLimiter()

    def fails() -> None:
        with crowd.slot("192.0.2.1") as has_room:
            assert has_room
            raise RuntimeError

    for _ in range(3 * MOST):
        with pytest.raises(RuntimeError):
            fails()


@pytest.mark.parametrize(
    ("here", "of_place", "held"),
    [
        (FAILURES_FROM_ONE_PLACE - 1, FAILURES_OF_ONE_PLACE - 1, False),
        (FAILURES_FROM_ONE_PLACE, 0, True),
        (0, FAILURES_OF_ONE_PLACE, True),
    ],
)
def test_each_of_the_two_counts_holds_back(here: int, of_place: int, held: bool) -> None:
    assert is_held_back(from_this_place=here, of_this_place=of_place) is held
