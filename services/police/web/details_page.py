"""Shows the child's photograph and long descriptions, which do not fit into a notice, and records each opening."""

from base64 import b64encode
from dataclasses import dataclass
from uuid import UUID

from services.platform.delivery.links.pages import Button, Form, Sheet
from services.platform.register.police_notice import ChildFacts, Photograph, facts_for_notice, photograph_of
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.police.notices.builder import text_of
from services.police.notices.wording import label
from services.police.web.linked_notice import is_closed, load, record_reading
from services.police.web.reading_codes import ReadingCodes

OPEN = "open"
OVER = Sheet(
    "This is over", ("The search for the child is over, so this page is closed. Ring the authority if you need it.",)
)
COVER = Sheet(
    "Details for a notice",
    ("A photograph or a long description of a child, for police. Each opening is recorded.",),
    (Button(OPEN, "Open"),),
)
LOCKED = Sheet(
    "Open the notice first",
    ("Open it from the email, by a code. This page then opens in the same browser, for an hour.",),
)
NOTHING = Sheet("There is nothing here any more", ("Please ring the authority: it answers at any hour.",))


@dataclass(frozen=True)
class DetailsPage:
    """Shows the details of one notice to one force while the child is searched for: those that the notice named, as the
    register has them now. To a force without an API only where its code has opened the notice.
    """

    store: Store
    clocks: Clocks
    keyring: Keyring
    codes: ReadingCodes

    async def answer(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction(delivery) as uow:
            found = await load(uow, self.keyring, delivery)
            if found is None or found.notice.data.details is None:
                return None
            if await is_closed(uow, found):
                return OVER
            if form.answer != OPEN:
                return COVER
            reader = await self.codes.reader(uow, delivery, form)
            if reader is None and await self.codes.are_needed(uow, found):
                return LOCKED
            holds, child = found.notice.data.details.holds, found.delivery.child
            facts = await uow.fetch(facts_for_notice(self.keyring, child))
            picture = await uow.fetch(photograph_of(self.keyring, child)) if "photograph" in holds else None
            record_reading(uow, found, "notice-details", holds, reader)
        return NOTHING if facts.child is None else _sheet(facts.child, holds, picture)


def _sheet(child: ChildFacts, holds: tuple[str, ...], picture: Photograph | None) -> Sheet:
    names = [each.removeprefix("child.") for each in holds if each.startswith("child.")]
    told = tuple((label(name), (text_of(child, name) or "unknown",)) for name in names)
    if picture is None:
        return Sheet("Details for a notice", (), sections=told)
    taken = f"Photograph taken on {picture.taken_on or 'an unknown day'}."
    inline = f"data:{picture.media_type};base64,{b64encode(picture.picture).decode()}"
    return Sheet("Details for a notice", (taken,), sections=told, picture=inline)
