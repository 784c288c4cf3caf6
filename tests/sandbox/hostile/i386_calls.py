# The same calls by the gate of 32-bit programs, as machine code.
# status: ok exception
# seen: connections
import ctypes
import json
import mmap
import struct

world = json.loads(input())
LOW = 0x40  # MAP_32BIT: 32-bit pointers must reach it
page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | LOW, prot=7)
base = ctypes.addressof(ctypes.c_char.from_buffer(page))
# mov eax, esi; mov ebx, edi; mov ecx, edx; int 0x80; ret: call(number, first, second)
code = bytes.fromhex("53 89 f8 89 f3 89 d1 cd 80 5b c3")
page[: len(code)] = code
call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int)(base)
address = struct.pack("<H", 2) + struct.pack(">H", world["tcp"]) + bytes([127, 0, 0, 1]) + bytes(8)
page[256 : 256 + 16] = address
page[512 : 512 + 12] = struct.pack("<III", 2, 1, 0)
handle = call(102, 1, base + 512)
page[512 : 512 + 12] = struct.pack("<III", handle & 0xFFFFFFFF, base + 256, 16)
call(102, 3, base + 512)
