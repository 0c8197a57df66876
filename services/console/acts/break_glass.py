"""Tells somebody on duty in an emergency who another authority's child is, and a manager there that they asked."""

from functools import partial

from services.console import metrics
from services.console.acts.recorder import ConsoleService
from services.console.policy.acts import REASON
from services.console.policy.child import IDENTITY
from services.console.policy.permits import Operator
from services.platform.register import child_identity
from services.platform.register.directory_page import areas_with_placements
from services.platform.store.query import EVERY
from services.safeguarding.child_events.care_events import AccessOverridden
from services.safeguarding.deeds import Answers, Fault, Faults, Field, Kind
from services.safeguarding.duty.evidence import RegisterLookedUp
from services.safeguarding.identifiers import derived
from services.safeguarding.operators import OperatorAct


class BreakGlassService(ConsoleService):
    async def asks(self, operator: Operator) -> tuple[Field, ...]:
        """The authorities that the operator does not see."""
        async with self.store.read([EVERY]) as reader:  # the names of authorities alone
            areas = await reader.fetch(areas_with_placements(None))
        others = sorted({each for each, _ in areas if not operator.sees(each)})
        return (Field("authority", Kind.CHOICE, choices=tuple(others)), Field("child", Kind.CODE), REASON)

    async def reveal(self, operator: Operator, answers: Answers) -> child_identity.Identity | None:
        """The same form shows the same child again, and tells the manager once for each child.

        Raises Faults for a code that no child there has.
        """
        authority = answers.chosen["authority"]
        async with self.store.transaction([authority]) as uow:
            child = await uow.fetch(child_identity.child_by_code(authority, answers.chosen["child"]))
            if child is None:
                raise Faults({"child": Fault.UNKNOWN})
            act = derived("breaks the glass", str(answers.act), operator.account, child)
            broken = partial(AccessOverridden, authority=authority, account=operator.account)
            await self.recorder(uow, operator, act, child).carry_out(
                OperatorAct.GLASS_BROKEN,
                answers.said,
                lambda words: [broken(words=words["reason"])],
                also=[RegisterLookedUp(authority=authority, purpose="console", fields=IDENTITY)],
                authority=authority,
            )
        metrics.ACTS.labels(OperatorAct.GLASS_BROKEN, "done").inc()
        async with self.store.read([authority]) as reader:
            return await reader.fetch(child_identity.identity_of_child(self.keyring, child, [authority]))
