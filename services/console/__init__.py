"""The page that shows who has been told and who has not, who has answered, and what comes next, when.

Hears: everything (child events, duties, outcomes, decisions, dead letters), into a read model of its own.
Says: who acted, and why (`operator.acted.v1`).
HTTP: `/` every open episode, `/episodes/{id}` one timeline; both live by server-sent events. Nobody sees a page without signing in.
Promises: at most 1 s behind the bus; messages heard twice or out of order change nothing that a newer one has said; no
name, number, address or word about a child is on a page.
"""
