"""Tells the force of the child's placement, and takes its answers.

Hears `police.notify` duties; over HTTP the force's signed replies (`POST /forces/{force}/replies`) and its daily list
of open episodes (`POST /forces/{force}/open-list`), and what officers do on the pages behind links. A force that
nothing can reach comes for its notices (`GET /forces/{force}/notices`). Says what became of each notice (accepted,
failed, acknowledged), police events, what the force tells of the child, what a first notice lacked, and where the
force's list is not ours. Promises one notice id for all attempts; that delivered is not acknowledged and both are
recorded; that a force learns nothing of another's notices, and nothing that its authority has not agreed to send it;
that a force without an API has the same duty and the same acknowledgement; that an exercise never reaches a real force.
"""
