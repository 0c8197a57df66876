"""The console in a test's own hands: what it would have heard, and its pages."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from services.bus.envelope import Received
from services.console.handlers import Handlers
from services.safeguarding.decisions import DutyChanged, DutyState, EpisodeChanged, EpisodeState, StepRecord
from services.safeguarding.message import Message
from services.safeguarding.roles import Channel, Role, Wording
from services.store.transaction import Store

REPORTED_AT = datetime(2026, 11, 24, 22, 15, tzinfo=UTC)


def heard(content: Message, child: str, *, at: datetime = REPORTED_AT, id_: str | None = None) -> Received[Message]:
    return Received(
        source="/safe-return/test", id=id_ or str(uuid4()), subject=child, time=at, content=content, origin="test/0/0"
    )


async def hear(store: Store, handlers: Handlers, *received: Received[Message]) -> None:
    """Each in a transaction of its own, as the bus would."""
    for each in received:
        async with store.transaction() as transaction:
            await handlers.by_kind()[type(each.content)](each, transaction)


def episode_changed(
    episode: UUID, *, revision: int = 1, state: str = "missing", opened_at: datetime = REPORTED_AT
) -> EpisodeChanged:
    return EpisodeChanged(
        authority="kestrel",
        force="northmoor-police",
        episode=episode,
        revision=revision,
        state=EpisodeState(state),
        opened_at=opened_at,
        open_conditions=("safe-and-well-check", "return-interview", "police-closed"),
        protocol="missing-from-care 2026.1",
    )


def duty_changed(
    episode: UUID | None,
    *steps: StepRecord,
    duty: UUID | None = None,
    revision: int = 1,
    state: str = "open",
    next_step_at: datetime | None = None,
    ended_because: str | None = None,
    wording: Wording = Wording.MISSING_NOTICE,
) -> DutyChanged:
    return DutyChanged(
        authority="kestrel",
        episode=episode,
        duty=duty or uuid4(),
        revision=revision,
        rule="tell-police-missing",
        wording=wording,
        state=DutyState(state),
        ended_because=ended_because,
        steps=steps,
        next_step_at=next_step_at,
        next_role=Role.DUTY_SENIOR_MANAGER if next_step_at else None,
        protocol="missing-from-care 2026.1",
        cites=("S13", "S57"),
    )


def step(
    number: int, role: Role, state: str = "told", *, at: datetime = REPORTED_AT, channel: Channel = Channel.TEXT
) -> StepRecord:
    return StepRecord.model_validate(
        {"step": number, "role": role, "channel": channel, "told_at": at, "state": state, "changed_at": at}
    )
