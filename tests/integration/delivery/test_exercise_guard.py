"""Outside a sandbox an exercise reaches the exercise authority's own people, and nobody else's: with what each service may read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.carers.handlers import Alerts
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.delivery.sending.attempt import block_real_recipients
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.professionals.sender import TextSender
from services.safeguarding.duty.duties import CarerAlert, ProfessionalNotify
from services.safeguarding.roles import Channel, Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.delivery import received
from tests.support.in_process.professionals import LINKS
from tests.support.in_process.register import authority, load, number_of


class Two:
    """An exercise authority, whose foster placement lies in a real one's area; and that one."""

    def __init__(self, suffix: str) -> None:
        self.ours, self.real = authority(f"exercise-{suffix}"), authority(f"real-{suffix}")
        self.ours["placements"][0]["host_authority"] = self.real["authority"]["id"]
        self.real["directory"].append({"role": "host.duty-desk", "person": "boss"})
        self.of_ours: dict[str, str] = {}
        self.of_real: dict[str, str] = {}

    def kept(self, prepare: Any) -> Any:
        return block_real_recipients(prepare, sandbox=False, exercise_authority=self.ours["authority"]["id"])

    def delivery(self, about: Any, child: str, **changes: Any) -> Delivery:
        told = received(about, child=child, exercise=True, **changes)
        return Delivery.of(told, lane="texts", now=Clocks().wall())


@pytest.fixture
async def two(database: Database, keyring: Keyring) -> AsyncIterator[Two]:
    casework, made = database.engine("casework"), Two(uuid4().hex[:8])
    made.of_real = await load(casework, keyring, made.real, datetime.now(UTC))
    made.of_ours = await load(casework, keyring, made.ours, datetime.now(UTC))
    yield made
    await casework.dispose()


async def prepared(engine: AsyncEngine, prepare: Any, delivery: Delivery) -> PreparedMessage | Undeliverable:
    async with Store(engine).transaction() as uow:
        made: PreparedMessage | Undeliverable = await prepare(uow, delivery)
    await engine.dispose()
    return made


def telling(two: Two, role: Role, **changes: Any) -> Delivery:
    given = {"authority": two.ours["authority"]["id"], "role": role, "channel": Channel.TEXT} | changes
    return two.delivery(ProfessionalNotify, two.of_ours["C1"], **given)


async def test_a_professional_of_ours_is_told_by_text(two: Two, database: Database, keyring: Keyring) -> None:
    kept = two.kept(TextSender(keyring, Clocks(), LINKS).prepare)
    made = await prepared(database.engine("professionals"), kept, telling(two, Role.DUTY_EMERGENCY_TEAM))
    assert isinstance(made, PreparedMessage)
    assert made.recipient == number_of(two.ours, "night")


async def test_the_host_authority_s_real_desk_is_not(two: Two, database: Database, keyring: Keyring) -> None:
    sender = TextSender(keyring, Clocks(), LINKS)
    desk = telling(two, Role.HOST_DUTY_DESK)
    bare = await prepared(database.engine("professionals"), sender.prepare, desk)
    assert isinstance(bare, PreparedMessage)
    assert bare.recipient == number_of(two.real, "boss")
    made = await prepared(database.engine("professionals"), two.kept(sender.prepare), desk)
    assert made == Undeliverable("exercise", two.of_real["boss"], bare.read), "it was read all the same"
    assert bare.read == ("person.mobile",)


async def test_a_carer_of_ours_is_told_and_another_authority_s_is_not(
    two: Two, database: Database, keyring: Keyring
) -> None:
    kept, alert = two.kept(Alerts(keyring, Clocks()).prepare), {"role": Role.CARER_REPORTING, "channel": Channel.TEXT}
    wording = {"wording": Wording("police-told")}
    of_ours = two.delivery(
        CarerAlert,
        two.of_ours["C1"],
        authority=two.ours["authority"]["id"],
        person=two.of_ours["ash"],
        **alert,
        **wording,
    )
    of_real = two.delivery(
        CarerAlert,
        two.of_real["C1"],
        authority=two.real["authority"]["id"],
        person=two.of_real["ash"],
        **alert,
        **wording,
    )
    made = await prepared(database.engine("carers"), kept, of_ours)
    assert isinstance(made, PreparedMessage)
    assert made.recipient == number_of(two.ours, "ash")
    assert await prepared(database.engine("carers"), kept, of_real) == Undeliverable("exercise")


@pytest.mark.parametrize("service", ["carers", "professionals", "strategy"])
@pytest.mark.parametrize("whose", ["ours", "real"])
async def test_each_service_may_ask_whose_a_person_is(two: Two, database: Database, service: str, whose: str) -> None:
    person = (two.of_ours if whose == "ours" else two.of_real)["night"]

    async def to_person(_transaction: Any, _parcel: Delivery) -> PreparedMessage:
        return PreparedMessage("someone@kestrel.example", "A mail.", person=person)

    made = await prepared(database.engine(service), two.kept(to_person), telling(two, Role.DUTY_EMERGENCY_TEAM))
    assert isinstance(made, PreparedMessage if whose == "ours" else Undeliverable)
