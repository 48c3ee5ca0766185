"""Send one alert, told on standard input as JSON: title, body, kind. What goes wrong is printed, a line each."""

from __future__ import annotations

import json
import logging
import sys

from pipeline.alerts.send import send
from pipeline.config.environment import load


def main() -> None:
    """Send it to the receivers of the environment that the first argument names."""
    logger = logging.getLogger("luigi-interface.pipeline")
    logger.addHandler(logging.StreamHandler(sys.stdout))
    said = json.load(sys.stdin)
    send(load(sys.argv[1]), said["title"], said["body"], kind=said["kind"])


if __name__ == "__main__":
    main()
