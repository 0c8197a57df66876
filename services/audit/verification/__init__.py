"""Verifies the record: whole or from a checkpoint on, in a memory that does not depend on its length."""
