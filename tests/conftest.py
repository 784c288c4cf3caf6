"""Settings of hypothesis for every test; a database server and a sandbox for those that ask."""

import pytest
from hypothesis import settings

from archsearch.testing.runners import shared_sandbox, shared_sandbox_ends
from tests import postgres, stores

__all__ = ["shared_sandbox_ends"]

# No deadline: other work on the machine must not fail a test.
settings.register_profile("archsearch", deadline=None, print_blob=True)
settings.load_profile("archsearch")


@pytest.fixture(autouse=True)
def stores_end():
    """Closes what `stores` opened for the test."""
    yield
    stores.opened.close()


@pytest.fixture(scope="session")
def postgres_server():
    """The address of a PostgreSQL server."""
    with postgres.running() as address:
        yield address


@pytest.fixture
def server(postgres_server):
    """The address of a schema that holds nothing yet."""
    return f"{postgres_server}#{postgres.schema()}"


@pytest.fixture(scope="session")
def sandbox():
    """Runs programs, as `archsearch.sandbox.Sandbox` does, from any thread and event loop."""
    return shared_sandbox()
