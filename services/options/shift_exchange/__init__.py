"""Changes of the rota at the console: cover, leave, added shifts, hand-overs, calendars."""
