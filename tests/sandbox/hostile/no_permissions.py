# C23. Folders that their owner may not enter, with files inside.
# status: ok exception
# seen: files
import os

os.makedirs("a/b/c")
open("a/b/c/file", "w").close()
for folder in ("a/b/c", "a/b", "a", "."):
    os.chmod(folder, 0)
