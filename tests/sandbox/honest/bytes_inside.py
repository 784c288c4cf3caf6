# Works on bytes, gives text.
# task: backwards
def backwards(text):
    return bytes(reversed(text.encode("utf-32-le")[::1])).decode("utf-32-be")
