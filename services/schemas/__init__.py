"""The contracts as documents, rendered from the models: JSON Schema, AsyncAPI, OpenAPI, one example a message.

Promises: the same code always renders the same bytes, without a database, a bus or a clock; `schemas/` is never written
by hand.
"""
