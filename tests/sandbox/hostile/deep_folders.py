# C22. 2,000 folders inside one another, on which a recursive removal breaks.
# status: ok exception output memory
# limits: seconds=4
# seen: files
import os

for _ in range(2000):
    os.mkdir("d")
    os.chdir("d")
open("file", "w").close()
