"""A message that holds others is taken apart into the facts that it holds."""

from uuid import uuid4

from services.safeguarding.duty.duties import DutyAccepted, DutyDelivered, DutyOutcomes, part_ids, parts_of


def test_a_message_alone_is_its_own_part_under_its_own_id() -> None:
    accepted = DutyAccepted(duty=uuid4(), step=0, authority="seaford")
    assert parts_of(accepted) == (accepted,)
    assert part_ids(accepted, "m-1") == ("m-1",)


def test_outcomes_that_travel_together_are_read_one_by_one_each_under_an_id_of_its_own() -> None:
    accepted = DutyAccepted(duty=uuid4(), step=0, authority="seaford")
    delivered = DutyDelivered(duty=accepted.duty, step=0, authority="seaford")
    both = DutyOutcomes(authority="seaford", accepted=(accepted,), delivered=(delivered,))
    assert parts_of(both) == (accepted, delivered)
    ids = part_ids(both, "m-1")
    assert len({*ids, "m-1"}) == 3
    assert ids == part_ids(both, "m-1")
