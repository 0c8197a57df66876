"""The page that shows who has been told and who has not, who has answered, and what comes next, when.

Hears: everything (child events, duties, outcomes, decisions, dead letters), into a read model of its own.
Says: nothing.
HTTP: `/` every open episode, `/episodes/{id}` one timeline; both live by server-sent events.
Promises: at most 1 s behind the bus; messages heard twice or out of order change nothing that a newer one has said; no
name, number, address or word about a child is on a page.
"""
