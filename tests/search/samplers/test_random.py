from archsearch.search.samplers.random import Random
from archsearch.testing.sampler_contract import SamplerContract


class TestRandom(SamplerContract):
    def config(self):
        return Random()
