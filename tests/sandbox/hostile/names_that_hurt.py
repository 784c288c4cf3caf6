# Files whose names are no UTF-8, hold newlines, or look like options.
# status: ok exception
# seen: files
for name in (b"\xff\xfe", b"a\nb", b"-rf", b"\x1b[2J", b" ", b"x" * 255):
    open(name, "w").close()
