"""One-time links: signed tokens, and the pages behind them."""
