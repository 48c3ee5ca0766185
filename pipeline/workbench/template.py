"""A process that has imported what reading needs, and forks itself for each request: a fork takes milliseconds, an import a third of a second.

    python -m pipeline.workbench.template DESCRIPTOR

The descriptor is a socket from which it gets, for each request, four further ones: of the question, of the answer, of what went wrong, and
of a pipe whose other end the server closes to end the process. It ends with the server.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from threading import Thread

from pipeline.workbench import reading
from pipeline.workbench.request import ANSWERED, DESCRIPTORS


def main() -> None:
    """Fork for each request, until the server closes the socket."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a process ended
    server = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, descriptors, _, _ = socket.recv_fds(server, 1, DESCRIPTORS)
        if not message:
            return
        if os.fork() == 0:
            server.close()
            _answer(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _answer(question: int, output: int, errors: int, lifeline: int) -> None:
    """Answer one request, and end."""
    Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    for descriptor, standard in ((question, 0), (output, 1), (errors, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    code = 1
    try:
        code = reading.main()
        sys.stdout.flush()
        sys.stderr.flush()
        if code == 0:
            os.write(2, ANSWERED)
    finally:
        os._exit(code)


def _end_with(lifeline: int) -> None:
    os.read(lifeline, 1)  # ends when the other end is closed: nobody waits for the answer
    os._exit(1)


if __name__ == "__main__":
    main()
