"""Publishes each deadline's event at its time, late rather than never, once, and says how late. Knows no law.

Hears nothing: it claims due rows that the protocol wrote. Any number of clocks share the rows.
Says the event that each row holds, on child-events; `record.disposed.v1` of old rows that it deleted.
Promises that a row is published exactly as often as it is marked fired: once, in one transaction with the mark.
"""
