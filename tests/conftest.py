"""Settings of hypothesis that hold for every test."""

from hypothesis import settings

# No deadline: other work on the machine must not fail a test.
settings.register_profile("archsearch", deadline=None, print_blob=True)
settings.load_profile("archsearch")
