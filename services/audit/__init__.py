"""Keeps a record that shows any change: one hash chain per child of all that the bus carried, and the gaps.

Hears: every topic. Says: nothing. `python -m services audit {verify | pack | gaps | anchor}` reads the record. HTTP:
health and metrics alone. Promises: each message is one entry of its child's chain, however often it comes and whenever
this process dies; nobody may change or remove an entry, this service included (the database's grants), and if somebody
does all the same, `verify` says where. No entry holds a name, a number or a word about a child, since no message does.

How a chain is reckoned, so that anybody can reckon it anew, stands in `services.audit.policy.chain`.
"""
