"""The way in for texts: Twilio's webhooks, and the disk that keeps texts while the database is away."""
