"""From a breach to a human who has taken it."""
