"""Ways into what apps use already; each is loaded only by who names it."""
