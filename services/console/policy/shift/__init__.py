"""Decides of a shift: who is on duty when, how the rota is changed, what is handed over."""
