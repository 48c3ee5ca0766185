"""deploy/: what it names exists, the commands in it are ones that the programs take, and luigid keeps to itself."""

from __future__ import annotations

import configparser
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import workbenches
import yaml
from conftest import ROOT
from projects import CATEGORIES, Project
from servers import free_port, wait_for

from pipeline.storage import locks

DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
INSTALLED = "/opt/store-clustering"
NIGHTLY = "run --env prod --workers 2 --tag reason=nightly --quiet"


class Unit(configparser.ConfigParser):
    """A systemd unit, each setting once."""

    def __init__(self, name: str) -> None:
        super().__init__(interpolation=None, comment_prefixes=("#",))
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.read_string((DEPLOY / name).read_text())


def in_venv(command: str) -> list[str]:
    """The words of a command that names an installed program, with that of these tests in its place."""
    words = shlex.split(command)
    program = words[0].removeprefix(f"{INSTALLED}/.venv/bin/")
    assert (BIN / program).is_file(), f"{words[0]} is no program of the project"
    return [program, *words[1:]]


def crontab_lines() -> list[str]:
    lines = (DEPLOY / "crontab").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


# ---------------------------------------------------------------- the nightly run


def nightly_command() -> str:
    return Unit("store-clustering-nightly.service")["Service"]["ExecStart"]


def test_systemd_and_cron_run_the_same_command() -> None:
    [job] = [line for line in crontab_lines() if re.match(r"\d", line)]
    fields = job.split(maxsplit=5)
    assert fields[:5] == ["0", "3", "*", "*", "*"]
    assert fields[5] == nightly_command() == f"{INSTALLED}/.venv/bin/store-clustering {NIGHTLY}"
    assert Unit("store-clustering-nightly.timer")["Timer"]["OnCalendar"].endswith("03:00:00")


def test_the_nightly_command_builds_is_silent_on_success_and_speaks_on_failure(built: Project) -> None:
    built.configure("prod")
    done = built.command(*in_venv(nightly_command()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (built.home / "outputs" / "clustering_prod.duckdb").is_file()
    told = built.command("store-clustering", "history", "--env", "prod")
    assert "reason=nightly" in told.stdout
    built.path("data/raw/needs.csv").unlink()
    done = built.command(*in_venv(nightly_command()))
    assert done.returncode == 20
    assert "needs.csv" in done.stderr, "cron mails this"


def test_both_name_the_folder_that_the_service_may_write() -> None:
    service = Unit("store-clustering-nightly.service")["Service"]
    home = service["ReadWritePaths"]
    assert service["Environment"] == f"STORE_CLUSTERING_HOME={home}"
    assert f"STORE_CLUSTERING_HOME={home}" in crontab_lines()
    assert home == f"/var/lib/{service['StateDirectory']}" == service["WorkingDirectory"]
    assert any(line.startswith("MAILTO=") for line in crontab_lines())


@pytest.mark.parametrize(
    "name",
    ["store-clustering-nightly.service", "store-clustering-luigid.service", "store-clustering-workbench.service"],
)
def test_services_run_as_a_user_of_their_own_and_can_write_their_own_folder_only(name: str) -> None:
    service = Unit(name)["Service"]
    assert service["User"] == "store-clustering"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert int(service["UMask"], 8) & 0o027 == 0o027, "nothing for others"
    assert int(service["StateDirectoryMode"], 8) & 0o027 == 0


def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze on this machine")
    units = []
    for path in sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")]):
        unit = tmp_path / path.name
        unit.write_text(path.read_text().replace(f"{INSTALLED}/.venv/bin", str(BIN)))
        units.append(str(unit))
    assert len(units) == 4
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "store-clustering" in line]
    assert (done.returncode, said) == (0, [])


# ---------------------------------------------------------------- luigid


@dataclass
class Luigid:
    """A luigid that runs as the service would start it."""

    port: int
    state: Path
    process: subprocess.Popen[bytes]


@pytest.fixture
def luigid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Luigid]:
    service = Unit("store-clustering-luigid.service")["Service"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = in_venv(service["ExecStart"])
    assert words[-2:] == ["--port", "8082"]
    name, config = service["Environment"].split("=")
    folder = tmp_path_factory.mktemp("state")
    folder.chmod(int(service["StateDirectoryMode"], 8))
    environment = {**os.environ, name: config.replace(INSTALLED, str(ROOT))}
    words = [word.replace("%S/store-clustering-luigid", str(folder)) for word in words]
    process = subprocess.Popen(
        [str(BIN / words[0]), *words[1:-1], str(port)],
        cwd=folder,
        env=environment,
        umask=int(service["UMask"], 8),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield Luigid(port, folder / "luigid.pickle", process)
    finally:
        process.kill()
        process.wait()


def listening(port: int) -> set[str]:
    """The local addresses that something listens on at this port, in the kernel's hexadecimal."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, number = local.partition(":")
            if int(number, 16) == port and state == "0A":
                found.add(address)
    return found


def test_luigid_listens_on_the_loopback_address_only_and_builds_a_run(built: Project, luigid: Luigid) -> None:
    assert listening(luigid.port) == {"0100007F"}
    built.path("outputs/dev/.trace/merging.json").unlink()
    words = ["luigi", "--module", "pipeline.tasks", "FullPipeline", "--env", "dev", "--workers", "2"]
    done = built.command(*words, "--scheduler-port", str(luigid.port))
    assert done.returncode == 0, done.stderr
    built.path("outputs/dev/.trace/merging.json").unlink()
    done = built.command(*words, "--scheduler-port", str(luigid.port))
    assert done.returncode == 0, done.stderr
    assert built.path("outputs/dev/.trace/merging.json").exists(), "a second run within ten seconds has to run"
    luigid.process.send_signal(signal.SIGTERM)
    luigid.process.wait(timeout=20)
    assert luigid.state.is_file()
    assert stat.S_IMODE(luigid.state.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(luigid.state.parent.stat().st_mode) == 0o700


def test_luigid_starts_with_its_settings_alone(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "STATE_DIRECTORY"}
    port = free_port()
    process = subprocess.Popen(
        [str(BIN / "luigid"), "--address", "127.0.0.1", "--port", str(port)],
        cwd=tmp_path,
        env={**environment, "LUIGI_CONFIG_PATH": str(DEPLOY / "luigid.cfg")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


LUIGI = ("luigi", "--module", "pipeline.tasks", "InternalClustering", "--env", "dev", "--workers", "2")


def tasks_of(luigid: Luigid) -> dict[str, dict[str, Any]]:
    """Every task that luigid knows, by its id."""
    asked = urllib.parse.urlencode({"data": json.dumps({"status": "", "upstream_status": ""})})
    with urllib.request.urlopen(f"http://127.0.0.1:{luigid.port}/api/task_list?{asked}") as answer:
        tasks: dict[str, dict[str, Any]] = json.load(answer)["response"]
    return tasks


def later(project: Project, seconds: int = 20) -> None:
    """Let time pass since the last run."""
    for path in project.path("outputs/.luigid").iterdir():
        moment = path.stat().st_mtime - seconds
        os.utime(path, (moment, moment))


def test_runs_one_after_another_have_the_same_tasks_at_luigid_and_a_failed_one_is_built(
    built: Project, luigid: Luigid
) -> None:
    port = ("--scheduler-port", str(luigid.port))
    whole = built.path("data/raw/sales.parquet").read_bytes()
    numbers = []
    for content, code in ((whole, 0), (b"PAR1", 30), (whole, 0)):
        built.path("data/raw/sales.parquet").write_bytes(content)
        built.path("outputs/dev/.trace/internal_preprocessing.json").unlink(missing_ok=True)
        done = built.command(*LUIGI, *port)
        assert done.returncode == code, done.stderr
        tasks = tasks_of(luigid)
        numbers.append(len(tasks))
        later(built)
    assert numbers == [numbers[0]] * 3
    assert {task["status"] for task in tasks.values()} == {"DONE"}


def test_a_run_after_one_that_was_killed_or_ended_just_now_has_tasks_of_its_own(built: Project, luigid: Luigid) -> None:
    built.path("outputs/dev/.trace/internal_clustering.json").unlink()
    words = [str(BIN / LUIGI[0]), *LUIGI[1:], "--scheduler-port", str(luigid.port)]
    environment = {**os.environ, "STORE_CLUSTERING_HOME": str(built.home)}
    with locks.held(built.path("outputs/dev/.locks/internal_clustering.json")):
        killed = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            if any(task["status"] == "RUNNING" for task in tasks_of(luigid).values()):
                break
            time.sleep(0.1)
        killed.kill()
        killed.wait()
    later(built)
    for number in ("2", "3"):
        done = built.command(*LUIGI, "--scheduler-port", str(luigid.port))
        assert done.returncode == 0, done.stderr
        projects = {task["params"]["project"].rpartition("-")[2] for task in tasks_of(luigid).values()}
        assert number in projects


def test_a_task_at_luigid_says_its_category_and_environment_and_links_the_report(
    built: Project, luigid: Luigid
) -> None:
    for trace in built.path("outputs/dev/.trace").glob("*cluster*.json"):
        trace.unlink()
    done = built.command(*LUIGI, "--scheduler-port", str(luigid.port))
    assert done.returncode == 0, done.stderr
    tasks = tasks_of(luigid)
    clustered = [task for task in tasks.values() if task["name"] == "ClusterCategory"]
    assert {task["params"]["category"] for task in clustered} == set(CATEGORIES)
    assert all("category=" in task["display_name"] and "env=dev" in task["display_name"] for task in clustered)
    assert all("_dev_" in name for name in tasks)
    link = built.path("outputs/dev/report.html").as_uri()
    assert {task["tracking_url"] for task in clustered} == {link}
    assert next(task for task in tasks.values() if task["name"] == "InternalClustering")["tracking_url"] == link


def test_every_setting_of_luigid_is_one_that_luigi_knows() -> None:
    from luigi.scheduler import scheduler
    from luigi.task import Config

    assert issubclass(scheduler, Config)
    given = configparser.ConfigParser(interpolation=None)
    given.read(DEPLOY / "luigid.cfg")
    assert set(given.sections()) == {"core", "scheduler"}
    assert set(given["scheduler"]) <= {name for name, _ in scheduler.get_params()}
    assert given["scheduler"]["stable_done_cooldown_secs"] == "0"
    assert given["scheduler"]["record_task_history"] == "false"


# ---------------------------------------------------------------- nginx


@contextmanager
def proxied(folder: Path, name: str, server_name: str, behind: str, port: int) -> Iterator[str]:
    """nginx with a file of deploy/ in front of a server on this port, for the user anna with the password secret; its address."""
    program = shutil.which("nginx")
    if not program:
        pytest.skip("no nginx on this machine")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        own_port = int(probe.getsockname()[1])
    snippet = (DEPLOY / name).read_text()
    for here, there in (
        ("listen 443 ssl", f"listen 127.0.0.1:{own_port} ssl"),
        ("/etc/nginx/", f"{folder}/"),
        (behind, f"127.0.0.1:{port}"),
    ):
        assert here in snippet
        snippet = snippet.replace(here, there)
    key, certificate = folder / f"{server_name}.key", folder / f"{server_name}.pem"
    made = f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN={server_name} -keyout {key} -out {certificate}"
    subprocess.run(made.split(), check=True, capture_output=True)
    hashed = subprocess.run(["openssl", "passwd", "-apr1", "secret"], check=True, capture_output=True, text=True)
    (folder / "store-clustering.htpasswd").write_text(f"anna:{hashed.stdout}")
    folder.chmod(0o755)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "whole.conf").write_text(
        f"pid {folder}/pid;\nerror_log {folder}/error.log;\ndaemon off;\nuser root;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{snippet}\n}}\n"
    )
    words = [program, "-p", str(folder), "-c", str(folder / "whole.conf")]
    checked = subprocess.run([*words, "-t"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(50):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", own_port)) == 0:
                    break
            time.sleep(0.1)
        yield f"https://127.0.0.1:{own_port}"
    finally:
        server.terminate()
        server.wait()


def statuses(address: str) -> list[int]:
    """What a proxy answers without a password, with a wrong one and with the right one."""
    import base64
    import ssl

    context = ssl._create_unverified_context()  # noqa: S323  # the certificate is the test's own
    codes = []
    for word in (None, "anna:wrong", "anna:secret"):
        headers = {} if word is None else {"Authorization": "Basic " + base64.b64encode(word.encode()).decode()}
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers=headers), context=context) as page:  # noqa: S310
                codes.append(page.status)
        except urllib.error.HTTPError as error:
            codes.append(error.code)
            error.close()
    return codes


def test_the_proxy_asks_for_a_password(tmp_path: Path, luigid: Luigid) -> None:
    with proxied(tmp_path, "nginx.conf", "luigi.example.com", "127.0.0.1:8082", luigid.port) as address:
        assert statuses(f"{address}/static/visualiser/index.html") == [401, 401, 200]


def test_the_workbench_s_service_answers_its_proxy_alone_and_the_proxy_asks_for_a_password(
    tmp_path: Path, project: Project
) -> None:
    words = in_venv(Unit("store-clustering-workbench.service")["Service"]["ExecStart"])
    assert words[:4] == ["store-clustering", "open", "--no-browser", "--read-only"]
    token, folder = "t" * 64, tmp_path / "nginx"
    folder.mkdir()
    (folder / "store-clustering-workbench.token").write_text(f'proxy_set_header Authorization "Bearer {token}";\n')
    with workbenches.served(project.home, "--read-only", STORE_CLUSTERING_TOKEN=token) as bench:
        port = int(bench.base.rpartition(":")[2])
        with proxied(folder, "nginx-workbench.conf", "workbench.example.com", "127.0.0.1:8083", port) as address:
            for path in ("/", "/api/session", "/api/dev/rows?sql=FROM+runs"):
                wanted = 400 if "sql" in path else 200  # there is no database yet
                assert statuses(address + path) == [401, 401, wanted]
            assert bench.ask("/api/session").status == 401


# ---------------------------------------------------------------- Docker


def dockerfile() -> list[tuple[str, str]]:
    """The instructions and their arguments."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def test_everything_that_the_image_copies_exists_and_is_let_through() -> None:
    patterns = [
        line for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] not in ("#", "")
    ]
    assert patterns[0] == "*"
    copied = [argument.split()[:-1] for instruction, argument in dockerfile() if instruction == "COPY"]
    sources = {word for words in copied if "--from=build" not in words for word in words if not word.startswith("--")}
    assert sources == {
        "pyproject.toml",
        "requirements.lock",
        "requirements-build.lock",
        "luigi.cfg",
        "configs",
        "pipeline",
    }
    assert {f"!{source}" for source in sources} == {pattern for pattern in patterns if pattern.startswith("!")}
    assert all((ROOT / source).exists() for source in sources)
    kept_out = [pattern for pattern in patterns[1:] if not pattern.startswith("!")]
    assert any(fnmatch.fnmatch("pipeline/core/__pycache__", pattern) for pattern in kept_out)


def test_the_image_runs_as_a_user_without_rights() -> None:
    instructions = dict(dockerfile())
    assert instructions["USER"] == "10001:10001"
    assert instructions["ENTRYPOINT"] == '["store-clustering"]'
    assert "STORE_CLUSTERING_HOME=/project" in instructions["ENV"]
    assert "--require-hashes" in next(argument for _, argument in dockerfile() if "uv pip install" in argument)


def build_steps(environment: Path, app: Path) -> list[str]:
    """The RUN commands of the stage that builds, with these folders in place of the image's."""
    build = (DEPLOY / "Dockerfile").read_text().split("\nFROM ")[1]
    steps = re.findall(r"^RUN (.*)$", build, flags=re.MULTILINE)
    return [step.replace("/opt/venv", str(environment)).replace("/app/", f"{app}/") for step in steps]


def test_the_images_command_is_the_project_s(built: Project, tmp_path: Path) -> None:
    program = tmp_path / "venv" / "bin" / "store-clustering"
    program.parent.mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)
    for step in build_steps(tmp_path / "venv", tmp_path / "app"):
        if step.startswith(("printf", "chmod")):
            subprocess.run(["sh", "-c", step], check=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "STORE_CLUSTERING_HOME": str(built.home)}
    packages = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))
    environment["PYTHONPATH"] += f":{packages}"
    done = subprocess.run([str(program), "status"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Warehouse" in done.stdout


@pytest.mark.nightly
def test_the_image_s_installation_is_the_lock_s_without_the_developers_tools(project: Project, tmp_path: Path) -> None:
    if not shutil.which("uv"):
        pytest.skip("no uv on this machine")
    environment, app = tmp_path / "venv", tmp_path / "app"
    for name in ("pyproject.toml", "requirements.lock", "requirements-build.lock"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "pipeline", app / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    for step in build_steps(environment, app):
        if step.startswith("pip install"):
            continue  # uv is there
        step = step.replace("uv venv --no-python-downloads", f"uv venv --no-python-downloads --python {sys.executable}")
        done = subprocess.run(
            ["sh", "-c", step.replace("--no-cache ", "")], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{step}: {done.stderr}"
    assert not (environment / "bin" / "pytest").exists()
    done = subprocess.run(
        [str(environment / "bin" / "store-clustering"), "run", "--env", "dev"],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(app), "STORE_CLUSTERING_HOME": str(project.home)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert project.database.is_file()


def test_kubernetes_runs_the_nightly_command_one_at_a_time_as_the_image_s_user_on_its_folder() -> None:
    volume, job = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    image = (DEPLOY / "Dockerfile").read_text()
    assert (job["kind"], job["spec"]["concurrencyPolicy"]) == ("CronJob", "Forbid")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert container["args"] == NIGHTLY.split()
    user = f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    assert user in image
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert f"STORE_CLUSTERING_HOME={mounts['project']}" in image
    claims = {each["name"]: each.get("persistentVolumeClaim", {}).get("claimName") for each in pod["volumes"]}
    assert claims["project"] == volume["metadata"]["name"]
    assert volume["spec"]["accessModes"] == ["ReadWriteOnce"]
