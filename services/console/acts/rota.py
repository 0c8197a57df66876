"""Carries out an act of a shift in an operator's name, once for each form."""

from collections.abc import Sequence

from services.console import metrics
from services.console.acts.recorder import ConsoleService, KeptWords, all_words
from services.console.policy.permits import Operator
from services.console.policy.shift.acts import Effect, ShiftAct
from services.platform.register import directory_page, rota_changes
from services.safeguarding.deeds import Answers, Fault, Faults
from services.safeguarding.message import Message
from services.safeguarding.working_time import RotaLine


class RotaService(ConsoleService):
    async def lines(self, operator: Operator) -> list[RotaLine]:
        """The rota as far as the operator may see and change it."""
        async with self.store.read() as reader:
            return await reader.fetch(directory_page.rota_lines(self.keyring, operator.scope, self.clocks.story()))

    async def act(
        self, operator: Operator, act: ShiftAct, answers: Answers, effect: Effect, lines: Sequence[RotaLine]
    ) -> None:
        """`lines` are those that the form offered. Raises Faults."""
        people = {effect.person, *(who for each in effect.changes for who in (each.person, each.in_place_of))}
        [authority, *others] = {line.authority for line in lines if line.person in people}
        if others:
            raise Faults({act.asks[0].name: Fault.NOT_OFFERED})
        async with self.store.transaction() as uow:

            def say(words: KeptWords) -> list[Message]:
                who = {"authority": authority, "contact": effect.person, "account": operator.account}
                about = {**who, "words": all_words(words)}
                return [] if effect.says is None else [effect.says.model_validate(about)]

            said = {} if effect.says is None else answers.said
            recorder = self.recorder(uow, operator, answers.act, effect.person)
            if not await recorder.carry_out(act.act, said, say, authority=authority):
                return
            if effect.corrects:
                faults = await rota_changes.correct(
                    uow, self.keyring, authority, effect.person, effect.corrects, operator.account, self.clocks.story()
                )
                if faults:
                    raise Faults(faults)
            if effect.calendar_of:
                rota_changes.replace_calendar(
                    uow, authority, effect.calendar_of, effect.changes, operator.account, self.clocks.story()
                )
            else:
                for at, change in enumerate(effect.changes):
                    rota_changes.add(uow, f"{answers.act} {at}", authority, change, operator.account)
            if effect.ends is not None:
                rota_changes.end(uow, effect.ends, self.clocks.story())
        metrics.ACTS.labels(act.act, "done").inc()
