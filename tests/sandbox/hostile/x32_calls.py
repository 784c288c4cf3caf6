# C30. The same calls by their x32 numbers, which a filter by number may not know.
# status: ok exception
# seen: connections
import ctypes
import json
import struct

world = json.loads(input())
libc = ctypes.CDLL(None)
address = struct.pack("<H", 2) + struct.pack(">H", world["tcp"]) + bytes([127, 0, 0, 1]) + bytes(8)
handle = libc.syscall(0x40000000 + 41, 2, 1, 0)
libc.syscall(0x40000000 + 42, handle, address, len(address))
libc.syscall(0x40000000 + 44, handle, b"x32", 3, 0, None, 0)
