"""Tells the force of the child's placement, and takes its answers.

Hears `police.notify` duties, and the force's signed replies (`POST /forces/{force}/replies`) over HTTP.
Says what became of each notice (accepted, failed, acknowledged), police events, and what the force tells of the child.
Promises one notice id for all attempts; that delivered is not acknowledged and both are recorded; that a force learns
nothing of another's notices; that an exercise never reaches a real force.
"""
