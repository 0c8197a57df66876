"""Made-up reports, each quarter of an hour: they show that a real one would get through."""
