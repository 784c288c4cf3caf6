# C39. Dies of a fault of memory, after it has said something.
# status: exception
import ctypes

print("before")
ctypes.string_at(8)
