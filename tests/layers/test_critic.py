from archsearch.layers.critic import Critic
from archsearch.testing.layer_contract import LayerContract
from archsearch.types import Request


class TestCritic(LayerContract):
    layer = Critic(model="small")
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        return "\n".join(f"Answer {n}:\nStrengths: {n}\nWeaknesses: none" for n in (2, 1, 4, 3))
