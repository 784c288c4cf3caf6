import pytest

from archsearch.registry import validate
from archsearch.search.space import SearchSpace
from archsearch.testing.sampler_contract import LAYERS


@pytest.fixture
def space():
    """The space of the contract."""
    return validate(SearchSpace, {"layers": LAYERS}, where="space")
