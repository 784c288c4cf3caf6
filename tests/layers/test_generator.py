from archsearch.layers.generator import Generator
from archsearch.testing.layer_contract import LayerContract


class TestGenerator(LayerContract):
    layer = Generator(model="small", samples=3)
