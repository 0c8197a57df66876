"""Runs a whole Safe Return on one machine, from nothing but Python and make (`make run`).

`bootstrap` makes the virtual environment (standard library alone); everything else runs inside it. `Stack` is the whole
as an object: a real Kafka, a real PostgreSQL, every service as a process of its own and the sandbox. Tests start it in
folders of their own.
"""
