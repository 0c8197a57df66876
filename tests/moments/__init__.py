"""Runs tests as if it were another moment: the suite has to hold on any day, and a clock that stands still on today's shows one."""
