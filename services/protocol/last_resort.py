"""When even a dead letter cannot be decided upon, the people on duty are told without any case, rule or escalation."""

from typing import Any

from services.platform.messages.envelope import Received
from services.platform.register import facts
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import UnitOfWork
from services.protocol import store
from services.protocol.policy.tellings import message_of
from services.safeguarding import identifiers
from services.safeguarding.decisions import MessageDeadLettered
from services.safeguarding.duties import Because, ProfessionalNotify
from services.safeguarding.identifiers import AuthorityId, ChildId
from services.safeguarding.roles import Channel, Role, Wording

TOLD = (Role.DUTY_WORKER, Role.DUTY_SENIOR_MANAGER, Role.DUTY_HEAD_OF_SERVICE)


async def last_resort(clocks: Clocks, received: Received[Any], uow: UnitOfWork) -> None:
    """Even the dead letter of a message could not be decided upon: the duty line hears of it without any case."""
    if not isinstance(received.content, MessageDeadLettered):
        return
    now = clocks.story()
    for role in TOLD:
        duty = identifiers.derived("last resort", received.id, role)
        content = ProfessionalNotify(
            duty=duty,
            step=0,
            revision=1,
            because=Because.FIRST,
            authority=await _authority(uow, received.subject),
            role=role,
            channel=Channel.TEXT,
            wording=Wording.DEAD_LETTER,
            rule="last-resort",
            protocol="needs-human",
            cites=("S45",),
            created_at=now,
        )
        uow.publish(content, subject=received.subject, at=now, message_id=str(message_of(duty, 0, "tell")))


async def _authority(uow: UnitOfWork, child: ChildId) -> AuthorityId:
    known = await facts.for_protocol(uow.connection, child)
    return (await store.facts_of(uow, known, None, None)).authority
