"""The border around other people's code, when several threads cross it at once."""

from __future__ import annotations

import subprocess
import sys

# Unless they wait for each other, the second turns stdout away while the first has, and puts it back after it.
SCRIPT = """
import threading
from connectctl.plugins import guard

entered, inside, gone = threading.Event(), threading.Event(), threading.Event()

def first():
    with guard.quiet_stdout():
        entered.set()
        inside.wait(0.5)

def second():
    entered.wait()
    with guard.quiet_stdout():
        inside.set()
        gone.wait()

threads = [threading.Thread(target=first), threading.Thread(target=second)]
for thread in threads:
    thread.start()
threads[0].join()
gone.set()
threads[1].join()
print("data", flush=True)
"""


def test_stdout_is_itself_again_after_several_threads_turned_it_away() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("data\n", "")
