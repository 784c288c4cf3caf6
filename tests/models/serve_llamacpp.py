"""A real llama.cpp server in a process of its own: prints its address, ends with its input.

LLAMACPP_KEY=... python tests/models/serve_llamacpp.py FILE.gguf NAME SLOTS CONTEXT
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    import xllamacpp

    file, name, slots, context = sys.argv[1:]
    params = xllamacpp.CommonParams()
    params.model.path = file
    params.model_alias = {name}
    params.n_parallel = int(slots)
    params.n_ctx = int(slots) * int(context)
    params.kv_unified = False
    params.cpuparams.n_threads = 2
    params.cache_ram_mib = 0
    params.api_keys = [os.environ["LLAMACPP_KEY"]]
    params.verbosity = -1
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)  # noqa: T201 - what the test waits for
    sys.stdin.read()


if __name__ == "__main__":
    main()
