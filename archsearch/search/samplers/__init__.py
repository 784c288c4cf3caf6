"""One sampler a file."""
