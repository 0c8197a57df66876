"""Reports a child missing for somebody who rings: it opens the episode as a carer's text would."""

from services.console import metrics
from services.console.acts.authorities import is_live
from services.console.acts.recorder import ConsoleService, KeptWords, all_words
from services.console.policy.permits import Operator
from services.platform.register import child_identity
from services.platform.register.directory import e164
from services.platform.register.directory_page import areas_with_placements
from services.platform.store.query import Reader
from services.safeguarding.child_events.events import ChildProvisional, ChildReportedMissing
from services.safeguarding.deeds import Answers, Fault, Faults, Field, Kind
from services.safeguarding.identifiers import AuthorityId, ChildId, is_provisional, provisional_child
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct


class NotLive(Exception):
    """Nobody is told: the authority takes exercises alone as yet."""


REPORT = (
    Field("child", Kind.CODE, required=False),
    Field("last_seen_at", Kind.PAST, required=False),
    *(Field(name, Kind.LINE, required=False) for name in ("last_seen_place", "clothing", "companions")),
    Field("risks_now", Kind.WORDS, required=False),
    Field("reporter", Kind.LINE),
    Field("reporter_telephone", Kind.LINE),
    Field("story", Kind.WORDS, required=False),
)
"""What police will ask of whoever reports a child by telephone."""


class ReportService(ConsoleService):
    async def asks(self, operator: Operator) -> tuple[Field, ...]:
        """An operator of several authorities says which one's child it is."""
        if operator.only_authority is not None:
            return REPORT
        async with self.store.read() as reader:
            areas = await reader.fetch(areas_with_placements(operator.scope))
        return (Field("authority", Kind.CHOICE, choices=tuple(sorted({each for each, _ in areas}))), *REPORT)

    async def report(self, operator: Operator, answers: Answers) -> bool:
        """False if this form has reported before. Raises Faults for a code that no child of the authority has."""
        authority = operator.only_authority or answers.chosen["authority"]
        async with self.store.transaction() as uow:
            if not await is_live(uow, authority):
                raise NotLive
            child, where = await self._find(uow, authority, answers)
            seen = {"channel": "console", "last_seen_at": answers.moments.get("last_seen_at")}

            def say(words: KeptWords) -> list[Message]:
                told = where | {"authority": authority, "words": all_words(words)}
                unknown = [ChildProvisional.model_validate(told)] if is_provisional(child) else []
                return [ChildReportedMissing.model_validate(told | seen), *unknown]

            recorder = self.recorder(uow, operator, answers.act, child)
            is_new = await recorder.carry_out(OperatorAct.REPORTED, answers.said, say, authority=authority)
        metrics.ACTS.labels(OperatorAct.REPORTED, "done" if is_new else "done-before").inc()
        return is_new

    async def _find(
        self, reader: Reader, authority: AuthorityId, answers: Answers
    ) -> tuple[ChildId, dict[str, object]]:
        """The child, and where it lives. One that nobody can name may be any child of the caller's placement."""
        code = answers.chosen.get("child")
        if code is not None:
            child = await reader.fetch(child_identity.child_by_code(authority, code))
            if child is None:
                raise Faults({"child": Fault.UNKNOWN})
            return child, {}
        numbers = self.keyring.number_hashes(e164(answers.said["reporter_telephone"]))
        placement, children = await reader.fetch(child_identity.cared_for_by(authority, numbers))
        if len(children) == 1:
            return children[0], {"placement": placement}
        unknown = provisional_child(f"report {answers.act}")
        return unknown, {"placement": placement, "candidates": tuple(children)}
