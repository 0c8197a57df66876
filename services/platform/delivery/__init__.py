"""Sends one thing to one destination until it is done: schedule, lanes, leases, attempts; and how each medium works.

Promises: what was put is sent, or ends in an outcome that says why not; a destination that fails delays no other and is
never switched off; recipient and body are fixed, encrypted, at the first attempt, so that every attempt says the same
under the same id. What a send brought about commits with the outcome that tells of it. Knows no recipient's role and
no agency: a service puts parcels, and prepares each when it is first sent.
"""
