"""Stands in for carers at Twilio's fallback URL, on another machine: answers, keeps what came, hands it over later."""
