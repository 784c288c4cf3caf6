# C43. NUL, escape sequences of terminals, and what is no UTF-8.
# status: ok
import os

os.write(1, b"\0\x1b]0;hostile\x07\x1b[2J\xff\xfe\xed\xa0\x80\r\n")
os.write(2, b"\xc3" * 100)
