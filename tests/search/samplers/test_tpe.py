from archsearch.search.samplers.tpe import TPE
from archsearch.testing.sampler_contract import SamplerContract


class TestTPE(SamplerContract):
    def config(self):
        return TPE()
