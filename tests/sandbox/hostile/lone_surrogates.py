# Text that no file can hold: printed, returned and raised.
# status: ok exception
# call: value
# call: error
import sys

sys.stdout.reconfigure(errors="surrogatepass")
print("\ud800 and \udcff")


def value():
    return ["\ud800", {"\udfff": "\ud83d"}]


def error():
    raise ValueError("\ud800")
