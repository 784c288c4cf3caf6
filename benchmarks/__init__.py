"""One benchmark a file: citation, licence, loader, scorer."""
