"""The protocol for people: proved together with the words it sends, drawn, compared, and set against what the guidance
asks.

Promises: sends nothing and needs no database, bus or clock; the same rules and stories always render the same bytes.
Its pages (`web`) are the console's and need a session there.
"""
