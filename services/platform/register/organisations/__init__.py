"""Organisations: police forces and the agencies that report."""
