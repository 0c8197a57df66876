"""Draws the boards with Grafana's own parts, for whoever changes one: `make boards`. No test: the parts are large, and may go."""
