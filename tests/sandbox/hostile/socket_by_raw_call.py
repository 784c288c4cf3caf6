# A connection past Python's `socket`, by system calls of C.
# status: ok exception
# seen: connections
# bare: connections
import ctypes
import json
import struct

world = json.loads(input())
libc = ctypes.CDLL(None)
handle = libc.syscall(41, 2, 1, 0)
address = struct.pack("<H", 2) + struct.pack(">H", world["tcp"]) + bytes([127, 0, 0, 1]) + bytes(8)
libc.syscall(42, handle, address, len(address))
libc.syscall(44, handle, b"raw", 3, 0, None, 0)
