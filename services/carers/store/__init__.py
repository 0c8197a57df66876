"""Carers' own tables: texts that came in, conversations, how children stand."""
