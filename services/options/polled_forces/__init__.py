"""Forces whose systems nothing can reach from outside: they come for their notices."""
