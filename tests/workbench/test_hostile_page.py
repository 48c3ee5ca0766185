"""A hostile page in the same browser as the workbench."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import chromium
import pytest
import workbenches
from projects import Project
from workbench_pages import PATIENCE

HOSTILE = """<!doctype html><title>waiting</title><body><script>
const base = "BASE";
const forms = ["launch", "cancel"].map((action) => {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: `${base}/api/dev/${action}`, enctype: "text/plain", target: "frame" });
  form.append(Object.assign(document.createElement("input"), { name: '{"job":"FullPipeline","tags":["a=b"],"category":"', value: '"}' }));
  document.body.append(form);
  return form;
});
document.body.append(Object.assign(document.createElement("iframe"), { name: "frame" }));
const tries = [
  fetch(`${base}/api/dev/launch`, { method: "POST", credentials: "include", body: "{}" }),
  fetch(`${base}/api/dev/launch`, { method: "POST", credentials: "include", mode: "no-cors", body: "{}" }),
  fetch(`${base}/api/dev/launch`, { method: "POST", credentials: "include", headers: { "X-CSRF-Token": "x" }, body: "{}" }),
  fetch(`${base}/api/session`, { credentials: "include" }).then((answer) => answer.text()),
];
navigator.sendBeacon(`${base}/api/dev/launch`, "{}");
new Image().src = `${base}/api/dev/launch`;
document.body.append(Object.assign(document.createElement("iframe"), { src: `${base}/` }));
for (const form of forms) form.submit();
Promise.allSettled(tries).then((all) => {
  window.outcomes = all.map((each) => (each.value?.type === "opaque" ? "opaque" : each.status));
  document.title = "tried";
});
</script>"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_hostile_page_in_the_same_browser_starts_nothing_and_reads_nothing(built: Project, host: str) -> None:
    with workbenches.served(built.home) as bench, chromium.new_page() as page:

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(HOSTILE.replace("BASE", bench.base).encode())

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            page.goto(bench.address)
            page.locator("#now").get_by_text("fresh").wait_for(timeout=PATIENCE)
            with page.expect_popup() as popup:
                page.evaluate("address => { window.open(address) }", f"http://{host}:{server.server_port}/")
            hostile = popup.value
            hostile.wait_for_function("() => document.title === 'tried'", timeout=PATIENCE)
            assert hostile.evaluate("() => window.outcomes") == ["rejected"] * 4
            hostile.wait_for_timeout(1500)
        finally:
            server.shutdown()
            server.server_close()
        assert bench.get("/api/dev/audit").json() == [], "nothing was asked for that the guard let through"
        assert not list(built.path("logs").glob("launched_*"))
        assert bench.get("/api/dev/runs").json()[0]["status"] == "done"
