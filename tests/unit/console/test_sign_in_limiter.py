"""Who may be at the door at once."""

from contextlib import ExitStack

import pytest
from starlette.requests import Request

from services.console.accounts.sign_in_limiter import MOST, MOST_FROM_ONE_PLACE, SignInLimiter, place_of
from services.console.policy.access.sign_in import (
    FAILURES_FROM_ONE_PLACE,
    FAILURES_OF_ONE_PLACE,
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
    ("host", "forwarded", "place"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "", "2001:db8:1:2::/64"),
        ("testclient", "", "testclient"),
        ("8.8.8.8", "9.9.9.9", "8.8.8.8"),
        ("10.0.0.1", "6.6.6.6, 9.9.9.9", "9.9.9.9"),
        ("10.0.0.1", "whatever", "10.0.0.1"),
        (None, "", ""),
    ],
)
def test_a_place_is_an_address_or_the_network_of_one_customer(host: str | None, forwarded: str, place: str) -> None:
    """Also behind a proxy that nobody has declared; what a stranger claims of itself counts nowhere."""
    client = None if host is None else (host, 1)
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert place_of(Request({"type": "http", "client": client, "headers": headers})) == place


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
