"""How fast promptops is, as ratios to things that readers know."""
