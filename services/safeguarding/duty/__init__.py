"""Describes duties: whom to tell, the outcomes, and the state of each episode and duty."""
