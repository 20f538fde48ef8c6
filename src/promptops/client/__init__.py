"""How an app reads what is live: from memory, refreshed in the background."""
