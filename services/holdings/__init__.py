"""Gives what is held: to a person everything about them, to an authority that leaves everything of its own."""
