"""Shows the child's photograph and long descriptions, which do not fit into a notice, and records each opening."""

from base64 import b64encode
from dataclasses import dataclass
from uuid import UUID

from services.platform.delivery.links.forms import Form
from services.platform.delivery.links.pages import Button, Sheet
from services.platform.register.children import photographs
from services.platform.register.children.photographs import Photograph
from services.platform.register.children.police_notice import ChildFacts, facts_for_notice
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.police.notices.builder import text_of
from services.police.web.linked_notice import is_closed, load, record_reading

OPEN = "open"
OVER = Sheet(
    "This is over", ("The search for the child is over, so this page is closed. Ring the authority if you need it.",)
)
NOTHING = Sheet("There is nothing here any more", ("Please ring the authority: it answers at any hour.",))


@dataclass(frozen=True)
class DetailsPage:
    """Shows the details of one notice to one force while the child is searched for: those that the notice named, as the
    register has them now.
    """

    store: Store
    clocks: Clocks
    keyring: Keyring

    async def shows(self, delivery: UUID) -> Sheet | None:
        async with self.store.transaction() as uow:
            found = await load(uow, self.keyring, delivery)
            if found is None or found.notice.data.details is None:
                return None
            if await is_closed(uow, found):
                return OVER
        said = "A photograph or a long description of a child, for police. That it was opened is recorded."
        return Sheet("Details for a notice", (said,), (Button(OPEN, "Open"),))

    async def acts(self, delivery: UUID, form: Form) -> Sheet | None:
        if form.answer != OPEN:
            return await self.shows(delivery)
        async with self.store.transaction() as uow:
            found = await load(uow, self.keyring, delivery)
            if found is None or found.notice.data.details is None:
                return None
            if await is_closed(uow, found):
                return OVER
            holds, child = found.notice.data.details.holds, found.delivery.child
            facts = await uow.fetch(facts_for_notice(self.keyring, child))
            picture = None
            if "photograph" in holds:
                picture = await uow.fetch(photographs.photograph_of(self.keyring, child))
            record_reading(uow, found, "notice-details", holds)
        return NOTHING if facts.child is None else _sheet(facts.child, holds, picture)


def _sheet(child: ChildFacts, holds: tuple[str, ...], picture: Photograph | None) -> Sheet:
    names = [each.removeprefix("child.") for each in holds if each.startswith("child.")]
    told = tuple((name.replace("_", " ").capitalize(), (text_of(child, name) or "unknown",)) for name in names)
    taken = () if picture is None else (_taken(picture),)
    return Sheet("Details for a notice", taken, sections=told, picture="" if picture is None else _inline(picture))


def _taken(picture: Photograph) -> str:
    return f"Photograph taken on {picture.taken_on or 'an unknown day'}."


def _inline(picture: Photograph) -> str:
    return f"data:{picture.media_type};base64,{b64encode(picture.picture).decode()}"
