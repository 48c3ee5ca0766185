"""Send one alert, read as JSON from standard input: title, body, kind. Problems are printed, one line each."""

from __future__ import annotations

import json
import logging
import sys

from pipeline.alerts.send import send
from pipeline.config.environment import load


def main() -> None:
    """Send the alert to the receivers of the environment in the first argument."""
    logger = logging.getLogger("luigi-interface.pipeline")
    logger.addHandler(logging.StreamHandler(sys.stdout))
    message = json.load(sys.stdin)
    send(load(sys.argv[1]), message["title"], message["body"], kind=message["kind"])


if __name__ == "__main__":
    main()
