# Leaves Python for a shell, which knows none of the interpreter's guards.
# status: ok exception timeout
# limits: seconds=2
# seen: secrets, files, connections
# bare: secrets
import json
import os

world = json.loads(input())
script = f"""
env; cat {" ".join(world["key_files"])} /proc/1/environ /proc/*/environ
echo x > {world["folders"][0]}/hostile-shell; ls -la {world["folders"][0]}
(echo x > /dev/tcp/127.0.0.1/{world["tcp"]})
:
"""
os.execv("/bin/bash", ["bash", "-c", script])
