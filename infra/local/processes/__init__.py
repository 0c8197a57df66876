"""Starts programs as processes, keeps them running, and ends what an earlier run has left."""
