"""Send one alert or heartbeat, read as JSON from standard input. Problems are printed, one line each.

The line holds alert (title, body and kind; empty for none) and heartbeat. With a number of seconds as second argument, it is sent
after them, unless something more is read, or the input ends.
"""

from __future__ import annotations

import json
import logging
import select
import sys

from pipeline.alerts.send import heartbeat, send
from pipeline.config.environment import alerts_alone


def main() -> None:
    """Send to the receivers of the environment in the first argument."""
    logger = logging.getLogger("luigi-interface.pipeline")
    logger.addHandler(logging.StreamHandler(sys.stdout))
    # without a buffer, so that `select` sees what comes after the line
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as given:  # a descriptor
        request = json.loads(given.readline() if sys.argv[2:] else given.read())
    if sys.argv[2:] and select.select([sys.stdin.fileno()], [], [], float(sys.argv[2]))[0]:
        return  # the run ended
    config = alerts_alone(sys.argv[1])
    if config is None:
        logger.warning("alert not sent: [alerts] of environment %s cannot be read any more", sys.argv[1])
        return
    if request["alert"]:
        send(config, request["alert"]["title"], request["alert"]["body"], kind=request["alert"]["kind"])
    if request["heartbeat"]:
        heartbeat(config)


if __name__ == "__main__":
    main()
