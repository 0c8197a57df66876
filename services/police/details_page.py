"""What is too much for a notice's body: the child's photograph and long descriptions, opened by a person, each time recorded."""

from base64 import b64encode
from dataclasses import dataclass
from uuid import UUID

from services.delivery.forms import Form
from services.delivery.link_pages import Button, Sheet
from services.police.opened import is_over, opened, record_reading
from services.police.writing import told_of
from services.register import photographs, police_notice
from services.register.photographs import Photograph
from services.register.police_notice import ChildFacts
from services.runtime.clocks import Clocks
from services.store.encryption import Keyring
from services.store.transaction import Store

OPEN = "open"
OVER = Sheet(
    "This is over", ("The child is no longer searched for, so this is closed. Ring the authority if you need it.",)
)
NOTHING = Sheet("There is nothing here any more", ("Ring the authority, please: it answers at any hour.",))


@dataclass(frozen=True)
class DetailsPage:
    """Good for one notice to one force, while the child is searched for. Shows what the notice said it holds, as the register has it now."""

    store: Store
    clocks: Clocks
    keyring: Keyring

    async def shows(self, delivery: UUID) -> Sheet | None:
        async with self.store.transaction() as transaction:
            found = await opened(transaction, self.keyring, delivery)
            if found is None or found.notice.data.details is None:
                return None
            if await is_over(transaction, found):
                return OVER
        said = "A photograph or a long description of a child, for police. That it was opened is recorded."
        return Sheet("Details for a notice", (said,), (Button(OPEN, "Open"),))

    async def acts(self, delivery: UUID, form: Form) -> Sheet | None:
        if form.answer != OPEN:
            return await self.shows(delivery)
        async with self.store.transaction() as transaction:
            found = await opened(transaction, self.keyring, delivery)
            if found is None or found.notice.data.details is None:
                return None
            if await is_over(transaction, found):
                return OVER
            holds, child = found.notice.data.details.holds, found.parcel.child
            facts = await police_notice.facts(transaction.connection, self.keyring, child)
            picture = None
            if "photograph" in holds:
                picture = await photographs.of(transaction.connection, self.keyring, child)
            await record_reading(transaction, self.clocks, found, "notice-details", holds)
        return NOTHING if facts.child is None else _sheet(facts.child, holds, picture)


def _sheet(child: ChildFacts, holds: tuple[str, ...], picture: Photograph | None) -> Sheet:
    names = [each.removeprefix("child.") for each in holds if each.startswith("child.")]
    told = tuple((name.replace("_", " ").capitalize(), (told_of(child, name) or "unknown",)) for name in names)
    taken = () if picture is None else (_taken(picture),)
    return Sheet("Details for a notice", taken, sections=told, picture="" if picture is None else _inline(picture))


def _taken(picture: Photograph) -> str:
    return f"Photograph taken on {picture.taken_on or 'an unknown day'}."


def _inline(picture: Photograph) -> str:
    return f"data:{picture.media_type};base64,{b64encode(picture.picture).decode()}"
