"""Leads duties through their lives: steps, tellings and outcomes."""
