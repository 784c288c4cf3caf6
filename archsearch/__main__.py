"""`python -m archsearch`."""

from archsearch.cli import main

main()
