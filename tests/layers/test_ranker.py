from archsearch.layers.ranker import Ranker
from archsearch.testing.layer_contract import LayerContract
from archsearch.types import Request


class TestRanker(LayerContract):
    layer = Ranker(model="small", keep=2)
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        return "[2] > [4] > [1] > [3]"


class TestRankerWithCritiques(TestRanker):
    layer = Ranker(model="small", keep=9, critiques=True)
