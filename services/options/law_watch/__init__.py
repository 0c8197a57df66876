"""Compares the law that rules cite with the law as it is published, and names the rules that rest on a change.

Hears and says nothing. Promises: what nobody has compared is said to be so, and is never called unchanged.
"""
