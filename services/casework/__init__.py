"""Owns the register, and takes agencies' events in.

Hears agencies' signed CloudEvents (`POST /events`) and imports of the register (`PUT /register/{authority}`), over
HTTP. Says child events under the source that the agency gave, and `child.provisional.v1` for a child nobody knows;
`register.imported.v1` of each import and each undoing of one; `organisation.changed.v1` of each change to a force or an
agency; `record.disposed.v1` of old marks.
Promises that what it answers with 2xx is durable and will be published; that words go to the register, ids and flags to
the bus; that every fault is named and nothing is half done; that an unknown child gets a provisional id and a human,
never a refusal.
"""
