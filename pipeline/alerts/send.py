"""Send an alert through Apprise. A receiver that fails is only a line in the log.

Apprise's limits apply per URL: 4 s to connect (15 s for mail) and 4 s for each answer; `?cto=` and `?rto=` in a URL change
them. Each URL is tried once, one after the other.
"""

from __future__ import annotations

import http.client
import logging
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

from pipeline.config.environment import Config

log = logging.getLogger("luigi-interface.pipeline")

_HEARTBEAT_LIMIT = 10  # seconds
Kind = Literal["info", "success", "warning", "failure"]

# In URLs with these schemes, the host is a host; in others, such as Slack's, it may be a token.
_WITH_HOST = ("form", "forms", "http", "https", "json", "jsons", "mailto", "mailtos", "xml", "xmls")


def send(config: Config, title: str, body: str, *, kind: Kind = "info") -> None:
    """Send a text to every non-empty URL of `[alerts]`.

    Never raises: an alert that cannot be sent is a warning in the log with the name of the variable that holds the URL, and
    at most the scheme and host of the URL.

    Parameters
    ----------
    config : the environment
    title : one line
    body : plain text
    kind : the kind of message, for receivers that show kinds
    """
    names = config.written.get("alerts", {}).get("urls", [])
    for name, url in zip(names, config.settings.alerts.urls, strict=True):
        if not url:
            continue
        fault = _sent(url, title, body, kind)
        if fault:
            log.warning('alert not sent to %s%s: %s; try: apprise -vv -b test "%s"', name, shown(url), fault, name)


def heartbeat(config: Config) -> None:
    """Ask for the URL `heartbeat_url` of `[alerts]` once. Never raises: a problem is a warning in the log, without the URL."""
    name, url = config.written.get("alerts", {}).get("heartbeat_url", ""), config.settings.alerts.heartbeat_url
    fault = "its value is not an http or https URL"
    if urlsplit(url).scheme in ("http", "https"):
        try:
            with urllib.request.urlopen(url, timeout=_HEARTBEAT_LIMIT):  # noqa: S310  # the scheme is checked above
                return
        except (OSError, ValueError, http.client.HTTPException) as error:
            fault = (
                f"the receiver was not reachable, or refused it ({type(error).__name__})"  # the text may hold the URL
            )
    log.warning("heartbeat not sent to %s%s: %s", name, shown(url), fault)


def _sent(url: str, title: str, body: str, kind: Kind) -> str:
    """Send to one URL; returns why it was not sent, empty if it was."""
    with _muted():
        try:
            import apprise

            asset = apprise.AppriseAsset(app_id="store-clustering", app_desc="store-clustering")
            service = apprise.Apprise.instantiate(url, asset=asset)
            if service is None:
                return "its value is not a URL that Apprise supports"
            receivers = apprise.Apprise(asset=asset)
            receivers.add(service)
            if receivers.notify(body=body, title=title, notify_type=kind, body_format="text"):
                return ""
        except Exception as error:  # any error: the outcome of the run must not change
            return f"Apprise failed ({type(error).__name__})"  # the error's text may contain the URL
    return "the receiver was not reachable, refused it, or did not answer in time"


@contextmanager
def _muted() -> Iterator[None]:
    """Silence the logs and warnings of libraries: they may contain the URL, or a part of it."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def shown(url: str) -> str:
    """` (scheme://host)` of a URL if these are certainly not secret; else empty."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    rest = f"{parts.path}{parts.query}{parts.fragment}"
    if parts.scheme not in _WITH_HOST or not host or "@" in rest:  # an @ after the host: the password contains a /
        return ""
    return f" ({parts.scheme}://{host})"
