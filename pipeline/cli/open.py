"""`store-clustering open`: the workbench, a page on this machine."""

from __future__ import annotations

import click


@click.command()
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port; 8083, or a free one if it is taken.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on; others need --read-only."
)
@click.option("--read-only", is_flag=True, help="Refuse to start or cancel a run, as for a server behind a proxy.")
def open(no_browser: bool, port: int | None, host: str, read_only: bool) -> None:  # the command's name
    """Serve a page to see the pipeline, launch it, watch it, and look at what it made.

    The page is for this machine only. The address that is printed holds a token; it is needed once per browser. Ctrl-C ends the page, not
    the runs that it launched.

    \b
    Examples:
      store-clustering open
      store-clustering open --no-browser --port 8083 --read-only
    """
    from pipeline.config.environment import home
    from pipeline.workbench.server import serve

    serve(home(), host, port, read_only=read_only, browser=not no_browser)
