"""Writes an authority's pack: who is missing, who was told, whom to ring. It needs nothing of ours to be read."""

from datetime import timedelta
from functools import cached_property

from jinja2 import Template

from services.console.acts.recorder import ConsoleService
from services.console.policy.shift.board import board
from services.console.policy.shift.note import describe_cases
from services.console.policy.status import overview
from services.console.read_model.cases import open_cases
from services.console.web.filters import environment
from services.console.web.wording import Words
from services.platform.register import directory_page
from services.safeguarding.identifiers import AuthorityId

ROTA_OF = timedelta(days=7)


class PackPage(ConsoleService):
    """Names children by their codes. Names and numbers are of people on duty alone, and of control rooms."""

    @cached_property
    def words(self) -> Words:
        return Words()

    @cached_property
    def template(self) -> Template:
        return environment(self.words).get_template("pack.html")

    async def write(self, authority: AuthorityId) -> str | None:
        """A page of HTML without links or scripts, for paper. None for an authority that the register does not have: a
        page of it would say that no child is missing.
        """
        now = self.clocks.story()
        async with self.store.read([authority]) as reader:
            known, cases, rota, numbers, forces, areas = await reader.fetch(
                directory_page.is_known(authority),
                open_cases([authority]),
                directory_page.rota_lines(self.keyring, [authority], now),
                directory_page.telephones(self.keyring, [authority]),
                directory_page.force_lines(self.clocks.wall()),
                directory_page.areas_with_placements([authority]),
            )
        if not known:
            return None
        near = {force for _, force in areas}
        return self.template.render(
            now=now,
            authority=authority,
            cases=describe_cases(overview(cases, (), now).cases, self.words.of),
            board=board(rota, now, ROTA_OF),
            numbers=numbers,
            forces=sorted(forces, key=lambda each: (each.force not in near, each.name)),
        )
