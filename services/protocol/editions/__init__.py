"""Takes up each authority's rules while the service runs, keeps its last good ones, and records who adopted which."""
