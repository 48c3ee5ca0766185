"""The published database, opened by the DuckDB of other programs: DBeaver, R, Node and dbt have older ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from projects import Project

QUERY = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
for name, kind in connection.execute("SELECT table_name, table_type FROM information_schema.tables").fetchall():
    connection.execute(f'SELECT * FROM "{name}"').fetchall()
print(duckdb.__version__, connection.execute("SELECT count(*) > 0 FROM store_clusters").fetchone()[0])
"""


@pytest.mark.parametrize("version", ["1.2.2", "1.4.4", "1.5.2"])
def test_an_older_duckdb_reads_every_table_and_view(built: Project, tmp_path: Path, version: str) -> None:
    if (uv := shutil.which("uv")) is None:
        pytest.skip("uv, which installs another DuckDB, is not on the PATH")
    command = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--no-config",
        "--python",
        sys.executable,
        "--target",
        str(tmp_path / "client"),
    ]
    done = subprocess.run([*command, f"duckdb=={version}"], capture_output=True, text=True, cwd=tmp_path)
    if done.returncode:
        pytest.skip(f"DuckDB {version} cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
    command = [sys.executable, "-c", QUERY, str(built.database)]
    read = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path / "client")})
    assert read.stdout.split() == [version, "True"], read.stderr
