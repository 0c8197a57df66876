"""Leads duties through their lives: steps, tellings, and what comes of them."""
