"""Describes duties: whom to tell, what came of it, and the state of each episode and duty."""
