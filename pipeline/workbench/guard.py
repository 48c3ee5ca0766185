"""Who may ask what: the token and the cookie, the Host and the Origin of a request, and what a page of ours may do in a browser."""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

TOKEN_VARIABLE = "STORE_CLUSTERING_TOKEN"  # noqa: S105  # the variable's name
_SHORTEST_TOKEN = 32

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# The report is a file that anyone with the outputs can edit. In a sandbox its scripts draw, and cannot ask this server for anything.
REPORT_HEADERS = HEADERS | {"Content-Security-Policy": "sandbox allow-scripts allow-modals; frame-ancestors 'none'"}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server on this address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Guard:
    """The secrets of a server, and its rules.

    Attributes
    ----------
    host : the address that it listens on
    read_only : whether it refuses every change
    token : what the address of the page, or a proxy, brings once; new in each start, unless the environment sets it
    session, csrf : what the cookie, and every change, bring
    own_names : the names of this machine
    """

    host: str
    read_only: bool
    token: str = field(default_factory=lambda: os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(32))
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    own_names: tuple[str, ...] = field(
        default_factory=lambda: (socket.gethostname(), socket.getfqdn())
    )  # the latter may take seconds

    @property
    def has_long_token(self) -> bool:
        """Whether nobody can guess the token."""
        return len(self.token) >= _SHORTEST_TOKEN

    def check_host(self, request: HTTPServerRequest) -> None:
        """Refuse a request to another name: a hostile page can let its own name lead to this machine.

        Raises
        ------
        HTTPError : 403
        """
        name = urlsplit(f"//{request.host}").hostname or ""
        if name in ("localhost", self.host, *self.own_names):
            return
        try:
            ipaddress.ip_address(name)  # only names can be made to lead here
        except ValueError:
            raise HTTPError(403, f"host {name!r} is not this server: use the address that `open` printed") from None

    def is_session(self, cookie: str | None, request: HTTPServerRequest) -> bool:
        """Whether the cookie, or the token of a proxy, is right."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return _equal(cookie or "", self.session) or _equal(given, self.token)

    def is_token(self, token: str) -> bool:
        """Whether the token of an address is right."""
        return _equal(token, self.token)

    def check_same_origin(self, request: HTTPServerRequest) -> None:
        """Refuse what another page asks for, also one of this machine: cookies do not tell ports apart.

        Raises
        ------
        HTTPError : 403
        """
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        origin = request.headers.get("Origin")
        if site != "same-origin" or (origin is not None and origin != f"{request.protocol}://{request.host}"):
            raise HTTPError(403, "another page asked for this")

    def check_change(self, request: HTTPServerRequest) -> None:
        """Refuse a change that this page did not ask for, and every change of a server that is read-only.

        Raises
        ------
        HTTPError : 403
        """
        if self.read_only:
            raise HTTPError(403, "this workbench is read-only: nothing can be started or cancelled here")
        if "Origin" not in request.headers:
            raise HTTPError(403, "a change needs the header Origin, which browsers send")
        self.check_same_origin(request)
        if not _equal(request.headers.get("X-CSRF-Token", ""), self.csrf):
            raise HTTPError(403, "the page is older than this server: reload it")


def _equal(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), secret.encode())
