"""What each telling says of itself: who carries it out, whose it is, which episode, which force, which earlier telling it refers to."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.protocol.policy.case import Facts
from services.protocol.policy.draft import Decision
from services.protocol.policy.duties.tellings import kind_of_duty
from services.safeguarding.child_events import care_events, events
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged, Verdict
from services.safeguarding.duty.duties import (
    Because,
    CarerAlert,
    Duty,
    DutyAccepted,
    DutyFailed,
    PoliceNotify,
    ProfessionalNotify,
    StrategyInvite,
)
from services.safeguarding.identifiers import telling
from services.safeguarding.roles import Channel, Deed, Role
from tests.support.histories.one_child import CHILD, START, OneChild
from tests.support.histories.own_rules import only

ANN = "person-00000000-0000-4000-8000-00000000000a"
BEN = "person-00000000-0000-4000-8000-00000000000b"
EVE = "person-00000000-0000-4000-8000-00000000000e"
HOME = "placement-00000000-0000-4000-8000-000000000003"
ELSEWHERE = "placement-00000000-0000-4000-8000-000000000004"
OTHER = "child-00000000-0000-4000-8000-000000000009"
SAID = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force", placement=HOME)
MISSING = events.ChildReportedMissing(**SAID, said_by=ANN, channel="text")
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
WORDS = events.ChildInformationReceived(**SAID, said_by=BEN, channel="text")
BY_EVE = WORDS.model_copy(update={"said_by": EVE})
POLICE = {"tell": "police.control-room", "by": "webhook"}
NOTICE = {"id": "notice", "on": "child.reported-missing", **POLICE}
WORKER = {"id": "worker", "on": "child.reported-missing"}
NEWS: dict[str, Any] = {"on": "child.information-received", "message": "missing-update"}
EVERYONE = {"id": "news", **NEWS, "tell": "everyone-told", "by": None}


class Child(OneChild):
    def __init__(self, *rules: dict[str, Any], facts: Facts = FACTS) -> None:
        super().__init__(CHILD, facts, only(*rules))

    def takes(self, *told: Duty, kind: type[Any] = DutyAccepted, **about: Any) -> None:
        for each in told:
            self.hears(kind(authority="northshire", duty=each.duty, step=each.step, **about))


def told(decision: Decision) -> list[tuple[Role, Channel]]:
    return [(each.role, each.channel) for each in decision.duties]


@pytest.mark.parametrize(
    ("role", "channel", "kind"),
    [
        (Role.POLICE_CONTROL_ROOM, Channel.WEBHOOK, PoliceNotify),
        (Role.POLICE_CONTROL_ROOM, Channel.INVITATION, StrategyInvite),
        (Role.CARER_REPORTING, Channel.TEXT, CarerAlert),
        (Role.CARERS_ALL, Channel.TEXT, CarerAlert),
        (Role.DUTY_WORKER, Channel.TEXT, ProfessionalNotify),
        (Role.CHILD_SOCIAL_WORKER, Channel.EMAIL, ProfessionalNotify),
        (Role.CHILD_SOCIAL_WORKER, Channel.INVITATION, StrategyInvite),
    ],
)
def test_who_carries_a_duty_out_follows_from_role_and_channel(role: Role, channel: Channel, kind: type[Duty]) -> None:
    assert kind_of_duty(role, channel) is kind


def test_a_carer_s_form_is_sent_by_whoever_serves_it() -> None:
    assert kind_of_duty(Role.CARERS_ALL, Channel.TEXT, Deed("profile")) is ProfessionalNotify


def test_a_telling_is_about_the_episode_where_there_is_one_and_else_about_what_the_register_holds() -> None:
    child = Child({"id": "of-episode", **NEWS}, {"id": "beside", "on": "nrm.referred", "urgent": False})
    child.hears(MISSING.model_copy(update={"candidates": (CHILD, OTHER), "placement": ELSEWHERE}))
    (episode,) = child.case.episodes
    child.facts = FACTS.model_copy(update={"authority": "westmere", "force": "west-force"})
    (of_episode,) = child.hears(WORDS).duties
    assert (of_episode.episode, of_episode.placement, of_episode.force, of_episode.authority) == (
        episode,
        ELSEWHERE,
        "north-force",
        "northshire",
    )
    assert of_episode.candidates == (CHILD, OTHER)
    (beside,) = child.hears(care_events.NrmReferralRecorded(**SAID), 15.5).duties
    assert (beside.episode, beside.placement, beside.force, beside.authority) == (None, HOME, "west-force", "westmere")
    assert (beside.candidates, beside.urgent, of_episode.urgent) == ((), False, True)


def test_the_record_of_an_episode_says_all_that_is_known_of_it() -> None:
    child = Child(NOTICE)
    opened = child.hears(MISSING.model_copy(update={"candidates": (CHILD, OTHER)}))
    (said,) = [each for each in opened.changes if isinstance(each, EpisodeChanged)]
    (episode,) = child.case.episodes.values()
    assert (said.episode, said.authority, said.force) == (episode.episode, "northshire", "north-force")
    assert (said.revision, said.state, said.candidates) == (1, "missing", (CHILD, OTHER))
    assert (said.opened_at, said.returned_at) == (START, None)
    assert (said.open_conditions, said.protocol) == (("police-closed",), "northshire own")
    (said,) = [each for each in child.hears(BACK, 1).changes if isinstance(each, EpisodeChanged)]
    assert (said.revision, said.state, said.returned_at) == (2, "returned", START + timedelta(hours=1))


def test_the_record_of_a_duty_says_who_was_told_and_who_comes_next_and_when() -> None:
    steps = [
        {"after": "5m", "again": True},
        {"after": "9m", "tell": "duty.senior-manager", "by": "text", "repeat": "9m"},
    ]
    child = Child({"id": "asked", "on": "child.reported-missing", "otherwise": steps})
    (duty,) = (decision := child.hears(MISSING)).duties
    (said,) = [each for each in decision.changes if isinstance(each, DutyChanged)]
    (episode,) = child.case.episodes
    assert (said.duty, said.episode, said.authority, said.rule) == (duty.duty, episode, "northshire", "asked")
    assert (said.revision, said.wording, said.state, said.ended_because) == (1, "missing-notice", "open", None)
    assert (said.next_step_at, said.next_role) == (START + timedelta(minutes=9), Role.DUTY_SENIOR_MANAGER)
    assert (said.protocol, said.cites) == ("own 1", ("S13",))
    (step,) = said.steps
    assert (step.step, step.role, step.channel, step.state) == (0, Role.DUTY_WORKER, "text", "told")
    assert (step.told_at, step.changed_at) == (START, START)
    taken = DutyAccepted(**SAID, duty=duty.duty, step=0, person=BEN)
    (said,) = [each for each in child.hears(taken).changes if isinstance(each, DutyChanged)]
    assert (said.next_step_at, said.next_role) == (START + timedelta(minutes=5), Role.DUTY_WORKER)
    assert (said.steps[0].person, said.steps[0].state) == (BEN, "accepted")


def test_the_next_person_hears_nothing_of_what_the_first_was_referred_to() -> None:
    steps = [{"after": "5m", "tell": "duty.worker", "by": "text"}, {"after": "6m", "tell": "duty.worker", "by": "text"}]
    child = Child(NOTICE, {"id": "update", **NEWS, **POLICE, "otherwise": steps})
    (notice,) = child.hears(MISSING).duties
    (update,) = child.hears(WORDS).duties
    assert update.refers_to == notice.telling
    child.facts = FACTS.model_copy(update={"placement": ELSEWHERE, "force": "south-force"})
    child.hears(care_events.PlacementChanged(**SAID))
    failed = DutyFailed(**SAID, duty=update.duty, step=0, reason="undeliverable")
    (following,) = child.hears(failed).duties
    assert (following.role, following.refers_to, following.because) == (Role.DUTY_WORKER, None, Because.FAILED)
    assert following.force == "south-force", "where the child is now"


def test_whoever_is_asked_again_in_their_turn_is_referred_to_the_first_asking() -> None:
    steps = [{"after": "5m", "tell": "duty.worker", "by": "text", "repeat": "5m"}]
    child = Child(NOTICE, {"id": "asked", **NEWS, "otherwise": steps})
    child.hears(MISSING)
    decision = child.hears(WORDS)
    seen = []
    for minutes in (5, 10):
        decision = child.hears(decision.deadlines[0].content, minutes / 60)
        (asked,) = decision.duties
        seen.append((asked.step, asked.because, asked.refers_to))
    first = telling(asked.duty, 0)
    assert seen == [(1, Because.NOT_ACCEPTED, None), (2, Because.AGAIN, first)]


@pytest.mark.parametrize(
    ("among", "roles"),
    [
        (None, {"police.control-room", "duty.worker", "child.social-worker"}),
        ("police", {"police.control-room"}),
        ("people", {"duty.worker", "child.social-worker"}),
        ("duty", {"duty.worker"}),
        ("others", {"child.social-worker"}),
    ],
)
def test_later_news_goes_to_those_told_before_or_to_the_kind_of_them_that_the_rule_names(
    among: str | None, roles: set[str]
) -> None:
    first = [
        NOTICE,
        WORKER,
        {"id": "mailed", "on": "child.reported-missing", "tell": "child.social-worker", "by": "email"},
        {"id": "carer", "on": "child.reported-missing", "tell": "carer.reporting", "message": "police-told"},
    ]
    child = Child(*first, EVERYONE | {"among": among})
    child.hears(MISSING)
    assert {role for role, _ in told(child.hears(WORDS))} == roles


@pytest.mark.parametrize(("who", "by"), [(Role.CHILD_SOCIAL_WORKER, Channel.EMAIL), (Role.DUTY_WORKER, Channel.TEXT)])
def test_whoever_was_invited_hears_later_news_once_by_mail_and_on_duty_by_text(who: Role, by: Channel) -> None:
    meets = {"form": "urgent", "day": "1h", "night": "1h", "lasts": "1h", "warn": "5m", "answer": "5m"}
    invited = {"by": "invitation", "message": "strategy-discussion", "meets": meets}
    child = Child(
        {"id": "invited", "on": "child.reported-missing", "tell": who, **invited},
        {"id": "mailed", "on": "child.reported-missing", "tell": who, "by": by},
        EVERYONE,
    )
    invitation, _ = child.hears(MISSING).duties
    assert isinstance(invitation, StrategyInvite)
    assert invitation.refers_to is None, "the episode holds a discussion's invitations together"
    assert told(child.hears(WORDS)) == [(who, by)]


def test_news_goes_by_name_to_whoever_took_it_and_not_beside_that_to_the_role_that_has_not_answered() -> None:
    twice = [{"id": name, "on": "child.reported-missing"} for name in ("one", "two", "three")]
    child = Child(*twice, EVERYONE)
    one, two, _ = child.hears(MISSING).duties
    child.takes(one, person=ANN)
    child.takes(two, person=BEN)
    heard = [(each.role, each.person, each.refers_to) for each in child.hears(WORDS).duties]
    assert heard == [(Role.DUTY_WORKER, ANN, one.telling), (Role.DUTY_WORKER, BEN, two.telling)]


def test_news_goes_to_nobody_whom_a_telling_did_not_reach_and_not_to_another_authority() -> None:
    child = Child(NOTICE, EVERYONE, {"id": "former", "on": "child.transferred", "whose": "former"})
    (notice,) = child.hears(MISSING).duties
    (away,) = child.hears(care_events.ChildTransferred(**SAID, to="westmere"), 1).duties
    assert (away.authority, away.episode) == ("northshire", notice.episode)
    child.takes(notice, kind=DutyFailed, reason="undeliverable")
    assert child.hears(WORDS, 2).duties == []


def test_a_carer_hears_of_their_own_report_and_each_who_reported_of_what_comes_later() -> None:
    carer = {"tell": "carer.reporting", "message": "reference-missing"}
    child = Child(
        {"id": "own", "on": ["child.reported-missing", "report.added"], **carer},
        {"id": "later", "on": ["child.information-received", "child.returned"], **carer},
    )
    heard = [[each.person for each in child.hears(said, hour).duties] for hour, said in enumerate((MISSING, MISSING))]
    assert heard == [[ANN], [ANN]]
    other = MISSING.model_copy(update={"said_by": BEN})
    assert [each.person for each in child.hears(other, 2).duties] == [BEN]
    assert [each.person for each in child.hears(BY_EVE, 3).duties] == [ANN, BEN, EVE], "and whoever texts now"
    assert [each.person for each in child.hears(BACK, 4).duties] == [ANN, BEN]
    nobody = Child({"id": "later", "on": "child.information-received", **carer})
    assert [each.person for each in nobody.hears(WORDS).duties] == [BEN]


def test_that_police_have_the_alert_each_carer_hears_once_an_absence() -> None:
    child = Child(
        {
            "id": "told",
            "on": ["child.reported-missing", "report.added"],
            "tell": "carer.reporting",
            "message": "police-told",
        }
    )
    other = MISSING.model_copy(update={"said_by": BEN})
    heard = [
        [each.person for each in child.hears(said, hour).duties]
        for hour, said in enumerate((MISSING, MISSING, other, other))
    ]
    assert heard == [[ANN], [], [BEN], []]


def test_another_telling_of_a_force_is_not_its_notice_and_neither_is_a_notice_to_somebody_else() -> None:
    child = Child(
        WORKER,
        {"id": "other", "on": "child.reported-missing", **POLICE, "message": "missing-update"},
        {"id": "update", **NEWS, **POLICE},
    )
    child.hears(MISSING)
    assert [each.refers_to for each in child.hears(WORDS).duties] == [None]


def test_a_force_that_has_an_update_hears_more_with_reference_to_its_notice_and_by_whoever_took_it() -> None:
    child = Child(
        NOTICE, {"id": "update", "on": "child.reported-missing", **POLICE, "message": "missing-update"}, EVERYONE
    )
    notice, update = child.hears(MISSING).duties
    child.takes(notice, kind=DutyFailed, reason="undeliverable")
    child.takes(update, person=BEN)
    (news,) = child.hears(WORDS).duties
    assert (news.role, news.person, news.force) == (Role.POLICE_CONTROL_ROOM, BEN, "north-force")
    assert news.refers_to == notice.telling


def test_a_transferred_child_s_former_authority_is_told_only_where_there_is_one() -> None:
    assert Child({"id": "former", "on": "child.information-received", "whose": "former"}).hears(WORDS).duties == []


def test_only_a_duty_that_is_known_is_handed_over_and_within_its_episode() -> None:
    child = Child(WORKER, {"id": "over", "on": "duty.hand-over-asked", "message": "hand-over"})
    (duty,) = child.hears(MISSING).duties
    before = child.case.duties[duty.duty]
    (over,) = child.hears(care_events.DutyHandOverAsked(**SAID, duty=duty.duty, to=ANN), 2).duties
    assert (over.person, over.channel, over.refers_to, over.episode) == (ANN, "text", duty.telling, duty.episode)
    assert child.case.duties[duty.duty] == before, "it stays where it is until the next has said so"
    noted = child.hears(care_events.DutyHandOverAsked(**SAID, duty=uuid4(), to=ANN), 3)
    assert [(each.verdict, each.episode) for each in noted.decided] == [(Verdict.OUTGROWN, None)]
    assert noted.duties == []


def test_who_is_told_that_nobody_has_answered_is_told_what() -> None:
    up = {"after": "15m", "tell": "duty.senior-manager", "by": "text", "message": "not-acknowledged"}
    rule = {"id": "up", "on": "child.reported-missing", "by": "text", "message": "missing-notice", "otherwise": [up]}
    child = OneChild(CHILD, FACTS, only(rule | {"tell": "duty.worker"}))
    [first] = child.hears(MISSING).duties
    [later] = child.hears(
        events.DutyStepDue(**SAID, deadline=first.duty, version=1, duty=first.duty, step=1), hours=0.25
    ).duties
    assert (first.unanswered, later.wording, later.unanswered) == (None, "not-acknowledged", "missing-notice")
