"""A provisional child is identified, on a real PostgreSQL: two cases become one, with all that was open, once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.platform.messages.envelope import Received, read
from services.platform.store.encryption import Keyring
from services.protocol.store import hold
from services.safeguarding.child_events.care_events import AgeDisputeOpened, ChildIdentified
from services.safeguarding.child_events.events import ChildInformationReceived, ChildReportedMissing, DutyStepDue
from services.safeguarding.duty.decisions import (
    DutyChanged,
    DutyState,
    EpisodeChanged,
    EpisodeState,
    ProtocolDecided,
    Verdict,
)
from services.safeguarding.duty.duties import Because, Duty, DutyAcknowledged
from services.safeguarding.identifiers import new_id, provisional_child
from services.safeguarding.roles import Role
from tests.support.engines.database import Database
from tests.support.in_process.protocol import Protocol
from tests.support.in_process.register import authority, load

MISSING = ChildReportedMissing(authority="northshire")


class Both:
    """A child, and a report of one whom nobody could name."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.child = new_id("child")
        self.unknown = provisional_child(str(uuid4()))

    async def reported(self, *subjects: str) -> None:
        for subject in subjects:
            await self.protocol.takes(self.protocol.received(MISSING, subject))

    def identified(self) -> Received[Any]:
        return self.protocol.received(ChildIdentified(authority="northshire", child=self.child), self.unknown)

    async def decided_by(self, received: Received[Any]) -> list[Any]:
        """What the protocol says of the child because of it."""
        before = len(await self.protocol.facts(self.child))
        await self.protocol.takes(received)
        return (await self.protocol.facts(self.child))[before:]

    async def case(self, subject: str) -> Any:
        async with self.protocol.store.transaction() as uow:
            return (await hold(uow, subject)).case


@pytest.fixture
async def both(database: Database) -> AsyncIterator[Both]:
    protocol = Protocol(database)
    yield Both(protocol)
    await protocol.store.close()


def notices(said: list[Received[Any]]) -> list[Duty]:
    duties = [each.content for each in said if isinstance(each.content, Duty)]
    return [each for each in duties if each.role is Role.POLICE_CONTROL_ROOM and each.wording == "missing-notice"]


async def test_both_cases_are_one_with_every_duty_and_the_second_episode_in_the_first(both: Both) -> None:
    await both.reported(both.child, both.unknown)
    duties = {**(await both.case(both.child)).duties, **(await both.case(both.unknown)).duties}
    said = await both.decided_by(both.identified())
    one = await both.case(both.child)
    assert duties.keys() <= one.duties.keys()
    (first,) = [each for each in one.episodes.values() if each.state is EpisodeState.MISSING]
    assert {each.episode for name, each in one.duties.items() if name in duties} == {first.episode}
    (merged,) = [each for each in one.episodes.values() if each.state is EpisodeState.MERGED]
    assert merged.merged_into == first.episode
    states = {each.episode: each.state for each in said if isinstance(each, EpisodeChanged)}
    assert states == {first.episode: EpisodeState.MISSING, merged.episode: EpisodeState.MERGED}
    assert [each.merged_into for each in said if isinstance(each, EpisodeChanged)].count(first.episode) == 1
    assert Verdict.MERGED in [each.verdict for each in said if isinstance(each, ProtocolDecided)]
    left = await both.case(both.unknown)
    assert (left.merged_into, left.duties, left.episodes) == (both.child, {}, {})


async def test_two_reports_of_one_unknown_child_become_one_and_then_the_childs(both: Both) -> None:
    both.child, known = provisional_child(str(uuid4())), new_id("child")
    await both.reported(both.child, both.unknown)
    await both.protocol.takes(both.identified())
    assert (await both.case(both.unknown)).merged_into == both.child
    assert len((await both.case(both.child)).episodes) == 2
    is_known = ChildIdentified(authority="northshire", child=known)
    await both.protocol.takes(both.protocol.received(is_known, both.unknown))
    assert (await both.case(both.child)).merged_into == known
    await both.protocol.takes(both.protocol.received(ChildInformationReceived(authority="northshire"), both.unknown))
    states = sorted(each.state for each in (await both.case(known)).episodes.values())
    assert states == [EpisodeState.MERGED, EpisodeState.MISSING]
    assert [each.state for each in (await both.case(both.unknown)).episodes.values()] == []


async def test_a_child_who_was_at_home_for_all_we_knew_takes_the_whole_episode_over(both: Both) -> None:
    await both.reported(both.unknown)
    (notice,) = notices(await both.protocol.said(both.unknown))
    await both.protocol.takes(both.protocol.received(AgeDisputeOpened(authority="northshire"), both.unknown))
    said = await both.decided_by(both.identified())
    one = await both.case(both.child)
    (episode,) = one.episodes.values()
    assert (episode.episode, episode.state, episode.candidates) == (notice.episode, EpisodeState.MISSING, ())
    assert "age-disputed" in one.record.marks
    told_who = [each for each in said if isinstance(each, Duty) and each.wording == "missing-update"]
    assert Role.POLICE_CONTROL_ROOM in {each.role for each in told_who}


async def test_the_clocks_of_the_report_go_on_and_an_answer_to_it_ends_its_duty(both: Both) -> None:
    await both.reported(both.child, both.unknown)
    (notice,) = notices(await both.protocol.said(both.unknown))
    await both.protocol.takes(both.identified())
    waiting = [read(each.envelope) for each in await both.protocol.due(both.unknown) if each.cancelled_at is None]
    (due,) = [each for each in waiting if isinstance(each.content, DutyStepDue) and each.content.duty == notice.duty]
    told = [each for each in await both.decided_by(due) if isinstance(each, Duty) and each.duty == notice.duty]
    assert [each.step for each in told] == [1]
    answer = DutyAcknowledged(duty=notice.duty, step=0, authority="northshire", how="force")
    ended = await both.decided_by(both.protocol.received(answer, both.unknown))
    (change,) = [each for each in ended if isinstance(each, DutyChanged) and each.duty == notice.duty]
    assert (change.state, change.next_step_at) == (DutyState.ACKNOWLEDGED, None)


async def test_said_again_or_by_another_or_both_at_once_it_is_done_once(both: Both) -> None:
    await both.reported(both.child, both.unknown)
    await asyncio.gather(*(both.protocol.takes(both.identified()) for _ in range(3)))
    said = await both.protocol.facts(both.child)
    verdicts = [each.verdict for each in said if isinstance(each, ProtocolDecided)]
    assert verdicts.count(Verdict.MERGED) == 1
    told = [(each.duty, each.step, each.act) for each in said if isinstance(each, Duty)]
    assert len(told) == len(set(told))
    again = await both.decided_by(both.identified())
    assert [each.verdict for each in again] == [Verdict.ALREADY_SO]


async def test_of_whom_no_force_was_known_the_force_of_the_childs_placement_is_told_once_it_is_known_who_it_is(
    both: Both, database: Database, keyring: Keyring
) -> None:
    """An agency's report, or duty staff's without a code, names no placement: the first notice goes to no force."""
    document = authority()
    engine = database.engine("casework")
    both.child = (await load(engine, keyring, document, datetime.now(UTC)))["C11"]
    await engine.dispose()
    await both.reported(both.unknown)
    assert {each.force for each in notices(await both.protocol.said(both.unknown))} == {None}
    said = await both.decided_by(both.identified())
    withdrawn, notice = notices([Received("", "", both.child, datetime.now(UTC), each) for each in said])
    assert (withdrawn.act, withdrawn.force) == ("withdraw", None)
    assert (notice.force, notice.because, notice.candidates) == (document["forces"][0]["id"], Because.FIRST, ())
    assert notice.episode == (await both.case(both.child)).episodes.popitem()[1].episode


async def test_whatever_is_said_later_under_the_name_of_then_is_the_childs(both: Both) -> None:
    await both.reported(both.unknown)
    await both.protocol.takes(both.identified())
    before = len(await both.protocol.said(both.unknown))
    news = both.protocol.received(ChildInformationReceived(authority="northshire"), both.unknown)
    said = await both.decided_by(news)
    assert {each.wording for each in said if isinstance(each, Duty)} == {"missing-update"}
    assert len(await both.protocol.said(both.unknown)) == before
    assert (await both.case(both.unknown)).duties == {}
