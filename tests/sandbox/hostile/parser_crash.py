# C38. Source that breaks the parser.
# status: exception ok memory timeout
# limits: seconds=4
import ast

for text in ("(" * 100_000, "-" * 1_000_000 + "1", "1" + "+1" * 1_000_000, "[" * 50_000 + "]" * 50_000):
    try:
        ast.literal_eval(text)
        compile(text, "", "eval")
    except (SyntaxError, MemoryError, RecursionError, ValueError):
        pass
