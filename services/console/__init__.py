"""The page that shows who has been told and who has not, who has answered, and what comes next, when.

Hears: everything (child events, duties, outcomes, decisions, evidence, dead letters), into a read model of its own.
Says: what operators do, as the event or outcome that it is, and beside it who did it, as what, and why (`operator.acted.v1`).
HTTP: `/` every open episode, `/episodes/{id}` one timeline, live by server-sent events; a page an act. Nobody sees one without signing in.
Promises: at most 1 s behind the bus; messages heard twice or out of order change nothing that a newer one has said; an act is
done once, on what its page showed, by somebody whose role may do it; no name, number, address or word about a child is on a
page, but for the reasons that operators gave, and a name where somebody on duty has said why they must know it.
"""
