"""Analytics: what it adds up to."""
