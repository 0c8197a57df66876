"""A force's daily list of open episodes, and how it differs from ours."""
