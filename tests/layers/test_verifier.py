from archsearch.layers.verifier import Verifier
from archsearch.testing.layer_contract import LayerContract
from archsearch.types import Request


class TestVerifier(LayerContract):
    layer = Verifier(model="small")
    parses_replies = True

    def reply(self, request: Request, seed: int) -> str:
        prompt = request.messages[-1].content
        if "<examination>" not in prompt:
            return "Let me check it. Three and four are seven."
        return "Correct" if "answer is 7" in prompt else "Incorrect"
