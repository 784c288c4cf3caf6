# C40. A few bytes that unfold to 3 GiB.
# status: memory exception
# limits: seconds=8
# seen: memory
import zlib

packer = zlib.compressobj(9)
block = bytes(1 << 20)
packed = b"".join(packer.compress(block) for _ in range(64)) + packer.flush(zlib.Z_FULL_FLUSH)
unpacker = zlib.decompressobj()
kept = [unpacker.decompress(packed)]
while True:
    kept.append(kept[-1] + kept[-1])
