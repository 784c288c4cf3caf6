# C33. Lifts every limit that it was given, then takes memory.
# status: memory exception
# limits: seconds=6
# seen: memory
import contextlib
import resource

for name in dir(resource):
    if name.startswith("RLIMIT_"):
        _, hard = resource.getrlimit(getattr(resource, name))
        for limit in (resource.RLIM_INFINITY, hard):
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(getattr(resource, name), (limit, limit))
kept = [bytearray(b"x" * (16 << 20)) for _ in range(192)]
