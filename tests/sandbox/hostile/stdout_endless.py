# C3. Says more than it may, in lines.
# status: output timeout
# limits: seconds=4
while True:
    print("spam " * 200)
