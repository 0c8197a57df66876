"""Finds what else a text holds: codes, times, answers, refusals."""
