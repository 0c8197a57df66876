"""Tells professionals by text: social worker, duty team, managers, reviewing officer, guardian, legal adviser, host authority.

Hears `professional.notify` duties, and `duty.acknowledged` of whoever answered. Twilio reports to `POST /texts/status`.
Says what became of each telling: accepted, delivered, failed; nobody in the role, so that the next is told at once.
Promises a thin text: no name, no status, no place, one segment, and the code by which its reader says "I have it".
"""
