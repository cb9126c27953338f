"""Several processes side by side, on managed instances.

The platform gives the environment several events at a time, one to each
process that asks. A process that ends after its init is replaced; one that
fails in its init ends them all, since the others will fail, too.
"""

import os
import signal
import sys

from . import logs


def serve(many, work):
    """Runs work(ready) in many processes. work calls ready() when its init is over."""
    workers = {}  # pid: what it says that it is ready on
    for _ in range(many):
        _start(workers, work)
    while True:
        pid, status = os.wait()
        says = workers.pop(pid, None)
        if says is None:
            continue  # a process that the function left behind
        ready = os.read(says, 1)
        os.close(says)
        if not ready:
            _end(workers, status)
        _start(workers, work)


def _start(workers, work):
    says, tells = os.pipe()
    pid = os.fork()
    if pid:
        os.close(tells)
        workers[pid] = says
        return
    os.close(says)
    for fd in workers.values():
        os.close(fd)
    try:
        logs.part()
        work(lambda: os.write(tells, b"r"))
    except SystemExit as e:
        os._exit(e.code if isinstance(e.code, int) else 1)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _end(workers, status):
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
