"""Contract classes: what every layer, model and benchmark owes, as test classes to inherit."""
