"""Who may ask the workbench what: the token, the cookie, other pages, other names, other files."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import workbenches
from conftest import ROOT
from projects import Project, build_in
from workbenches import Served, served

LAUNCH = "/api/dev/launch"


@pytest.fixture(scope="module")
def bench(shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("guarded")
    shutil.copytree(shared("built", build_in), home, dirs_exist_ok=True)
    with served(home) as bench:
        bench.home = home
        yield bench


def launched(bench: Served) -> list[Path]:
    """What a launch would have made: the output of a run."""
    return list((bench.home / "logs").glob("launched_*"))


def test_nothing_is_answered_without_the_token_of_the_address(bench: Served) -> None:
    for path in (
        "/",
        "/api/session",
        "/api/dev/pipeline",
        "/report/dev/",
        "/assets/main.js",
        "/documents/dev/report.html",
    ):
        assert bench.ask(path).status == 401, path
        assert bench.ask(path, Cookie=f"{bench.cookie}x").status == 401, path
    assert bench.ask("/?token=guessed").status == 401
    assert "store-clustering open" in bench.ask("/").body.decode()


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_cannot_use_and_leaves_the_address(
    bench: Served,
) -> None:
    answer = bench.ask(bench.address.removeprefix(bench.base))
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Strict" in answer.headers["Set-Cookie"]
    token = bench.address.partition("token=")[2]
    assert len(token) >= 32
    assert token not in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"X_CSRF_Token": ""},
        {"X_CSRF_Token": "guessed"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "evil.example"},
        {"Cookie": ""},
    ],
)
def test_a_change_that_the_page_did_not_ask_for_is_refused(bench: Served, headers: dict[str, str]) -> None:
    answer = bench.post(LAUNCH, {}, **headers)
    assert answer.status in (401, 403)
    assert len(answer.json()["errors"]) == 1
    assert launched(bench) == []


def test_no_get_changes_anything(bench: Served) -> None:
    for path in (LAUNCH, "/api/dev/cancel"):
        assert bench.get(path).status == 405
    assert launched(bench) == []


def test_another_page_can_read_nothing(bench: Served) -> None:
    for headers in (
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
    ):
        assert bench.ask("/api/dev/pipeline", Cookie=bench.cookie, **headers).status == 403
    answer = bench.get("/api/session")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_name_that_leads_here_by_somebody_else_s_doing_is_refused(bench: Served) -> None:
    port = urlsplit(bench.base).port
    for host, status in ((f"evil.example:{port}", 403), ("127.0.0.1.evil.example", 403), (f"localhost:{port}", 200), (f"[::1]:{port}", 200), (f"{socket.gethostname()}:{port}", 200)):  # fmt: skip
        assert bench.ask("/api/session", Cookie=bench.cookie, Host=host).status == status, host


def test_the_page_may_run_no_script_but_its_own_files(bench: Served) -> None:
    answer = bench.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    page = answer.body.decode()
    assert re.findall(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page) == []
    assert bench.get("/report/dev/").headers["Content-Security-Policy"].startswith("sandbox allow-scripts")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/..%2f..%2ferrors.py", "/assets/index.html", "/documents/dev/luigi.cfg", "/documents/dev/..%2f..%2fluigi.cfg", "/api/dev/output/clustering_dev.log",
        "/documents/dev/.trace", "/api/dev/output/..%2f..%2fluigi.cfg", "/report/..%2f/", "/report/base/", "/api/base/pipeline", "/data/raw/sales.parquet", "/configs/dev.toml",
    ],
)  # fmt: skip
def test_no_file_is_served_but_the_page_the_report_and_the_published_documents(bench: Served, path: str) -> None:
    assert bench.get(path).status == 404
    assert bench.get("/documents/dev/store_clusters.xlsx").body[:2] == b"PK"


def test_a_read_only_workbench_starts_and_cancels_nothing_and_takes_the_token_of_a_proxy(built: Project) -> None:
    token = "t" * 40
    with served(built.home, "--read-only", STORE_CLUSTERING_TOKEN=token) as bench:
        assert bench.get("/api/session").json()["read_only"]
        for path in (LAUNCH, "/api/dev/cancel"):
            answer = bench.post(path, {})
            assert (answer.status, "read-only" in answer.json()["errors"][0]) == (403, True)
        assert bench.ask("/api/session", Authorization=f"Bearer {token}").status == 200
        assert bench.ask("/api/session", Authorization="Bearer x").status == 401
    assert not list(built.path("logs").glob("launched_*"))


@pytest.mark.parametrize(
    ("words", "environ", "wrong"),
    [
        (["--host", "0.0.0.0"], {}, "other machines could start runs here"),
        (["--read-only"], {"STORE_CLUSTERING_TOKEN": "short"}, "shorter than 32 characters"),
        (["--host", "192.0.2.1", "--read-only"], {}, "choose another --port or --host"),
    ],
)
def test_an_address_or_a_token_that_is_not_safe_is_an_error_in_one_line(
    project: Project, words: list[str], environ: dict[str, str], wrong: str
) -> None:
    done = project.command("store-clustering", "open", "--no-browser", *words, **environ)
    assert done.returncode == 2
    assert wrong in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_an_error_only_if_it_was_asked_for(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = project.command("store-clustering", "open", "--no-browser", "--port", port)
        assert (done.returncode, port in done.stderr) == (2, True)


def raw(bench: Served, text: str | bytes, last: float = 10) -> bytes:
    """What the server answers to bytes that no library would send."""
    parts = urlsplit(bench.base)
    answer = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=last) as connection:
        try:
            connection.sendall(text if isinstance(text, bytes) else text.encode())
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                answer += part
        except OSError:  # also "not connected": the server may hang up before all is sent
            pass
    return answer


@pytest.mark.parametrize(
    ("line", "headers", "body"),
    [
        ("POST /api/dev/launch HTTP/1.1", {"Content-Length": "200000"}, "x" * 200_000),
        ("POST /api/dev/launch HTTP/1.1", {"Content-Length": "99999999999"}, "{}"),
        ("POST /api/dev/launch HTTP/1.1", {"Transfer-Encoding": "chunked"}, "30D40\r\n" + "x" * 200_000 + "\r\n0\r\n\r\n"),
        ("POST /api/dev/launch HTTP/1.1", {"Transfer-Encoding": "chunked", "Content-Length": "2"}, "2\r\n{}\r\n0\r\n\r\n"),
        ("POST /api/dev/launch HTTP/1.1", {"Content-Length": "-1"}, "{}"),
        ("GET /api/session HTTP/1.1", {"X-Long": "x" * 200_000}, ""),
        ("GET /api/session HTTP/1.1", {"Host": "127.0.0.1@evil.example"}, ""),
        ("GET /api/session HTTP/1.1", {"Host": "evil.example", "X-Forwarded-Host": "127.0.0.1", "X-Host": "127.0.0.1"}, ""),
        ("GET http://evil.example/api/session HTTP/1.1", {"Host": "evil.example"}, ""),
        ("OPTIONS /api/dev/launch HTTP/1.1", {}, ""),
        ("PUT /api/dev/launch HTTP/1.1", {"Content-Length": "2"}, "{}"),
        ("HEAD /api/dev/launch HTTP/1.1", {}, ""),
        ("GET /api/dev/launch HTTP/1.1", {"X-HTTP-Method-Override": "POST"}, ""),
        ("GET /api/dev/runs/..%2f..%2f..%2fluigi HTTP/1.1", {}, ""),
        ("GET /../../etc/passwd HTTP/1.1", {}, ""),
        ("nonsense", {}, ""),
    ],
)  # fmt: skip
def test_what_no_browser_sends_changes_nothing_reads_nothing_and_harms_nobody(
    bench: Served, line: str, headers: dict[str, str], body: str
) -> None:
    sent = {"Host": urlsplit(bench.base).netloc, "Cookie": bench.cookie, "Origin": bench.base, "X-CSRF-Token": "x", **headers}  # fmt: skip
    answer = raw(bench, "\r\n".join([line, *(f"{name}: {value}" for name, value in sent.items()), "", body]))
    assert b" 200 " not in answer.partition(b"\r\n")[0]
    assert bench.csrf.encode() not in answer
    assert launched(bench) == []
    assert bench.get("/api/session").status == 200


def test_the_token_is_printed_once_and_is_in_no_log_answer_or_referrer(built: Project) -> None:
    with served(built.home) as bench:
        token = bench.address.partition("token=")[2]
        port = urlsplit(bench.base).port
        for headers in ({}, {"Host": "evil.example"}, {"Host": f"127.0.0.1:{port}", "Cookie": "a"}):
            for path in (f"/?token={token}", f"/report/dev/?token={token}", f"/api/dev/rows?token={token}&sql=x", f"/nothing?token={token}"):  # fmt: skip
                answer = bench.ask(path, **headers)
                assert token not in answer.body.decode() + str(answer.headers)
        raw(bench, f"GET /?token={token} HTTP/1.1\r\n\r\n")
        assert bench.get("/").headers["Referrer-Policy"] == "no-referrer"
        bench.process.terminate()
        output = bench.process.stdout.read()
        assert token not in output
    for path in built.path("logs").glob("*"):
        assert token not in path.read_text()


@pytest.mark.parametrize(
    ("address", "name"),
    [("/report/dev/", "report.html"), ("/documents/dev/store_clusters.xlsx", "store_clusters.xlsx")],
)
def test_a_link_out_of_the_outputs_is_not_followed(built: Project, address: str, name: str) -> None:
    secret, path = built.path("secret"), built.path(f"outputs/dev/{name}")
    secret.write_text("hush")
    with served(built.home) as bench:
        assert bench.get(address).status == 200
        path.unlink()
        path.symlink_to(secret)
        answer = bench.get(address)
        assert (answer.status, b"hush" in answer.body) == (404, False)


def test_a_disk_that_cannot_be_written_is_one_line_on_the_page_and_in_the_terminal(built: Project) -> None:
    shutil.rmtree(built.path("logs"), ignore_errors=True)
    built.path("logs").write_text("not a folder")
    with served(built.home) as bench:
        answer = bench.post(LAUNCH, {})
        assert answer.status == 500
        [line] = answer.json()["errors"]
        assert "logs" in line
        assert bench.get("/api/dev/pipeline").status == 200
        bench.process.terminate()
        printed = bench.process.stdout.read()
    assert "Traceback" not in printed
    assert [text for text in printed.splitlines() if text.startswith(f"POST {LAUNCH}: ") and "logs" in text]


def test_the_page_uses_the_report_s_drawing_functions_and_keeps_no_copy() -> None:
    from pipeline.workbench import assets

    script = assets.read("charts.js").decode()
    assert script.startswith((ROOT / "pipeline/report/templates/charts.js").read_text())
    for path in (ROOT / "pipeline/workbench/page").glob("*.js"):
        imported = re.findall(r'import \{([^}]*)\} from "./charts.js"', path.read_text())
        assert set(re.findall(r"\w+", " ".join(imported))) <= set(assets.DRAWING)
    assert workbenches.PROGRAM.endswith("store-clustering")


def test_the_value_of_a_variable_that_the_settings_name_is_not_shown(built: Project) -> None:
    value = "logs/s3cretword-of-the-test"
    built.configure(logging={"folder": "${LOG_FOLDER}"})
    with served(built.home, LOG_FOLDER=value) as bench:
        assert bench.post(LAUNCH, {"tags": [f"a={value}"], "job": "nonsense"}).status == 200
        built.path("configs/other.toml").write_text("# another environment, which names no variable")
        assert bench.get("/api/other/audit").status == 200
        audited = bench.get("/api/dev/audit").body.decode()
        assert value not in audited
        assert "--tag=a=${LOG_FOLDER}" in audited
