"""Defines chains and their faults, the consequences of messages, and the evidence of an episode. Pure."""
