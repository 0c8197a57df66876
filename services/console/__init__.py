"""Shows who has been told and who has not, who has answered, and what comes next, when.

Hears: everything (child events, duties, outcomes, decisions, evidence, dead letters), into a read model of its own.
Says: what operators do, as an ordinary event or outcome, and with it who did it, in which role, and why
(`operator.acted.v1`); who signed in, and who changed which account (`access.recorded.v1`); that somebody was told who
another authority's child is (`access.overridden.v1`); which old rows went (`record.disposed.v1`). HTTP: `/` every open
case, `/children/C17` one page a child, live by server-sent events; one page for each act. All need a session. Promises:
at most 1 s behind the bus; a message heard twice or late never overwrites a newer one; an act is done once, on the
state that its page showed, by somebody whose role allows it; words about a child and numbers are shown to roles on duty
alone, a child's name after they have said why, each view on the record.
"""
