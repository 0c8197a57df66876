"""`make bench`: how long a report takes to a desk, beside three peers run in the same minutes. Read the ratios, not the times."""
