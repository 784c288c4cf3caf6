from archsearch.layers.vote import Vote
from archsearch.testing.layer_contract import LayerContract


class TestVote(LayerContract):
    layer = Vote(answer="number")


class TestWeightedVote(LayerContract):
    layer = Vote(answer="number", weighted=True)
