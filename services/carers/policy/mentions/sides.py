"""Splits a text between the authorities and placements that know its number, so that none is chosen by chance."""

from collections.abc import Sequence
from dataclasses import replace

from services.carers.policy.context import Child, Provisional, TextContext
from services.carers.understanding.children import child_names
from services.safeguarding.identifiers import ChildId, provisional_child


def list_sides(context: TextContext) -> tuple[TextContext, ...]:
    """One context for each authority and placement that an unnamed child may belong to, with the children there and a
    report of its own.
    """
    if not context.children:
        return _list_capacities(context)
    places: dict[tuple[str | None, str | None], list[Child]] = {}
    for child in context.children:
        places.setdefault((child.authority, child.placement), []).append(child)
    if len(places) == 1:
        return (context.for_child(context.children[0]),)
    return tuple(
        replace(
            context.for_child(of_one[0]),
            children=tuple(of_one),
            provisional=_derive_report(context.provisional, *place),
        )
        for place, of_one in places.items()
    )


def list_teams(context: TextContext) -> tuple[TextContext, ...]:
    """Like `list_sides`, but each authority once, since one team reads a text once."""
    found: dict[str, TextContext] = {}
    for side in list_sides(context):
        found.setdefault(side.authority, side)
    return (context,) if len(found) == 1 else tuple(found.values())


def limit_to_children(context: TextContext, children: Sequence[ChildId]) -> TextContext:
    """The context for a text that means one of these children and leaves open which. It has a report of its own."""
    several = tuple(each for each in context.known if each.child in children)
    return replace(
        context,
        children=several,
        coded=(),
        provisional=provisional_child(" ".join((context.provisional, *sorted(children)))),
    )


def find_reports(context: TextContext, asked_of: ChildId) -> tuple[Provisional, ...]:
    """The reports of one text that its question is about and that still have no name."""
    found = tuple(
        each
        for each in context.provisionals
        if each.child is None
        and each.provisional in {asked_of, _derive_report(asked_of, each.authority, each.placement)}
    )
    return found or (Provisional(asked_of),)


def choose_report(child: Child, found: Sequence[Provisional], asked_of: ChildId) -> ChildId | None:
    """The report that was about this child: the only one, or that of its placement."""
    if [each.provisional for each in found] == [asked_of]:
        return asked_of
    place = (child.authority, child.placement)
    return next((each.provisional for each in found if (each.authority, each.placement) == place), None)


def are_alike(children: Sequence[Child]) -> bool:
    """Whether all of them have the same code."""
    return len(children) > 1 and len({child_names.simplify_code(each.code) for each in children}) == 1


def _list_capacities(context: TextContext) -> tuple[TextContext, ...]:
    of_kind = {each.authority: each for each in reversed(context.capacities) if each.kind == context.kind}
    if len(of_kind) < 2:
        return (context,)
    return tuple(
        replace(
            context,
            authority=each.authority,
            person=each.person,
            placement=None,
            provisional=_derive_report(context.provisional, each.authority, None),
        )
        for each in sorted(of_kind.values(), key=lambda each: each.authority)
    )


def _derive_report(cause: ChildId, authority: str | None, placement: str | None) -> ChildId:
    """A stable id, however often the text is read."""
    return provisional_child(" ".join((cause, placement or authority or "")))
