from archsearch.layers.fuser import Fuser
from archsearch.testing.layer_contract import LayerContract


class TestFuser(LayerContract):
    layer = Fuser(model="small", samples=3, length_control=True)
    parses_replies = True


class TestFuserWithCritiques(TestFuser):
    layer = Fuser(model="small", critiques=True)
