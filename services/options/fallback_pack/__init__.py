"""The pack for when all of it is down: what a duty team needs on paper, sealed and put in two other places."""
