# C5. Memory of its own, touched.
# status: memory exception
# limits: seconds=6
# seen: memory
kept = [bytearray(b"x" * (16 << 20)) for _ in range(192)]
