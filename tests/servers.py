"""Servers on this machine, for tests: a free port, a receiver of mail, Luigi's central scheduler."""

from __future__ import annotations

import email
import email.header
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(port: int, seconds: int = 20) -> None:
    """Wait until somebody listens on the port."""
    for _ in range(10 * seconds):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens on port {port}")


@contextmanager
def mail_server() -> Iterator[tuple[int, list[Message]]]:
    """A mail server: its port, and the mails it gets."""
    from aiosmtpd.controller import Controller

    mails: list[Message] = []

    class Handler:
        async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
            mails.append(email.message_from_bytes(envelope.content))  # type: ignore[attr-defined]
            return "250 taken"

    port = free_port()
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, mails
    finally:
        controller.stop()


def mail_url(port: int) -> str:
    """Apprise's URL for that mail server."""
    return f"mailto://127.0.0.1:{port}/?from=robot@example.com&to=ann@example.com&mode=insecure&format=text"


def subject(mail: Message) -> str:
    """The subject of a mail, decoded."""
    parts = email.header.decode_header(mail["Subject"])
    return "".join(part.decode(charset or "ascii") if isinstance(part, bytes) else part for part, charset in parts)


def body(mail: Message) -> str:
    """The text of a mail."""
    text = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    return text.get_payload(decode=True).decode(text.get_content_charset() or "ascii")


@contextmanager
def central_scheduler(folder: Path) -> Iterator[int]:
    """Luigi's central scheduler on 127.0.0.1, its state in a folder: its port."""
    port = free_port()
    program = [str(Path(sys.executable).parent / "luigid"), "--address", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(
        [*program, "--state-path", str(folder / "state.pickle")],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            wait_for(port)
            yield port
        finally:
            server.terminate()
