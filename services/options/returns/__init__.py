"""Shows what an authority owes for a month or a year: counts, a list, and the statutory return's own table."""
