# C42. Ends, but for a thread.
# status: timeout ok
# limits: seconds=0.4
import threading
import time

threading.Thread(target=time.sleep, args=(3600,)).start()
