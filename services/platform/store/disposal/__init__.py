"""Says how long each record is kept, and ends those whose time is over."""
