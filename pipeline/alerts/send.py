"""Sending an alert through Apprise. A receiver that is not there is a line in the log, and nothing else.

Apprise's own limits hold: 4 s to connect (15 s for mail) and 4 s for each answer, per URL; `?cto=` and `?rto=` in a URL
change them. URLs are tried one after the other, each once.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

from pipeline.config.environment import Config

log = logging.getLogger("luigi-interface.pipeline")

Kind = Literal["info", "success", "warning", "failure"]

# Where a URL of these has a host, it is one; in others, such as Slack's, it may be a token.
_WITH_HOST = ("form", "forms", "http", "https", "json", "jsons", "mailto", "mailtos", "xml", "xmls")


def send(config: Config, title: str, body: str, *, kind: Kind = "info") -> None:
    """Send a text to every URL of `[alerts]` that is not empty.

    Never raises: an alert that cannot be sent is one warning in the log, which names the variable that holds the URL, and of
    the URL at most its scheme and host.

    Parameters
    ----------
    config : the environment
    title : one line
    body : plain text
    kind : what receivers that tell kinds apart show it as
    """
    names = config.written.get("alerts", {}).get("urls", [])
    for name, url in zip(names, config.settings.alerts.urls, strict=True):
        if not url:
            continue
        fault = _sent(url, title, body, kind)
        if fault:
            log.warning('alert not sent to %s%s: %s; try: apprise -vv -b test "%s"', name, shown(url), fault, name)


def _sent(url: str, title: str, body: str, kind: Kind) -> str:
    """Send to one URL; why it was not sent, empty where it was."""
    with _muted():
        try:
            import apprise

            asset = apprise.AppriseAsset(app_id="store-clustering", app_desc="store-clustering")
            service = apprise.Apprise.instantiate(url, asset=asset)
            if service is None:
                return "it holds no URL that Apprise knows"
            receivers = apprise.Apprise(asset=asset)
            receivers.add(service)
            if receivers.notify(body=body, title=title, notify_type=kind, body_format="text"):
                return ""
        except Exception as error:  # whatever goes wrong in there, the run's outcome stands
            return f"Apprise failed ({type(error).__name__})"  # its text may hold the URL
    return "the receiver is not there, refused it, or did not answer in time"


@contextmanager
def _muted() -> Iterator[None]:
    """No library logs or warns: what they say of a failure may hold the URL, or a part of it."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def shown(url: str) -> str:
    """` (scheme://host)` of a URL, as far as these are surely no secret; else empty."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    rest = f"{parts.path}{parts.query}{parts.fragment}"
    if parts.scheme not in _WITH_HOST or not host or "@" in rest:  # an @ further on: a password with a / in it
        return ""
    return f" ({parts.scheme}://{host})"
