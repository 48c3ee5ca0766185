"""Raw files that turn wrong after a good run, in every format: one line that names the file, and what is published stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from conftest import Shared
from projects import Project, build_in, copy_of

from pipeline.errors import MissingDataError, RawDataError
from pipeline.run.session import session

FILES = {"internal_sales": "sales", "need_states": "needs", "external": "external"}
PROOF = "a raw file that is gone, empty, cut, or something else, of each source and format"


def cut(path: Path) -> None:
    """Without its end; a CSV file without its last field, as one that ends with a whole row says nothing."""
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b",") if path.suffix == ".csv" else len(content) // 2])


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replaced_by_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


WRONG: dict[str, tuple[Callable[[Path], object], int]] = {
    "gone": (Path.unlink, MissingDataError.exit_code),
    "empty": (lambda path: path.write_bytes(b""), RawDataError.exit_code),
    "cut": (cut, RawDataError.exit_code),
    "zeros": (lambda path: path.write_bytes(bytes(4096)), RawDataError.exit_code),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256))), RawDataError.exit_code),
    "an empty folder": (replaced_by_a_folder, MissingDataError.exit_code),
    "a link that leads nowhere": (replaced_by_a_link, MissingDataError.exit_code),
}


@pytest.fixture(
    scope="module",
    params=[".parquet", ".csv", *(pytest.param(one, marks=pytest.mark.nightly) for one in (".csv.gz", ".xlsx"))],
)
def of_format(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared: Shared
) -> Iterator[Project]:
    """A project whose raw files are all of one format, and in which everything is built."""
    home = tmp_path_factory.mktemp("raw")
    project = copy_of(shared("built", build_in), home)
    raw, sources = project.path("data/raw"), project.settings["sources"]
    told = {"internal_sales": sources["internal_sales"], "need_states": sources["need_states"]}
    for source, one in (told | {"external": sources["external"][0]}).items():
        old = project.path(one["path"])
        frame = pd.read_parquet(old) if old.suffix == ".parquet" else pd.read_csv(old)
        old.unlink()
        path = raw / f"{FILES[source]}{request.param}"
        if request.param == ".parquet":
            frame.to_parquet(path, index=False)
        elif request.param == ".xlsx":
            frame.to_excel(path, index=False)
        else:
            frame.to_csv(path, index=False)
        one["path"] = f"data/raw/{path.name}"
    project.configure()
    done = project.command("store-clustering", "run", "--quiet")
    assert done.returncode == 0, done.stderr
    yield project
    session.renew()


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("source", FILES)
def test_a_raw_file_that_turns_wrong_is_one_line_that_names_it_and_what_is_published_stays(
    source: str, what: str, of_format: Project, tried
) -> None:
    before = of_format.published()
    [path] = of_format.path("data/raw").glob(f"{FILES[source]}.*")
    kept = path.with_name("kept")
    path.rename(kept)
    shutil.copy(kept, path)
    spoil, code = WRONG[what]
    spoil(path)
    try:
        done = of_format.command("store-clustering", "run", "--quiet")
    finally:
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        kept.rename(path)
    [said] = done.stderr.splitlines()
    assert path.name in said
    assert done.returncode == code, said
    assert of_format.published() == before
    assert "nothing to do" in of_format.command("store-clustering", "run").stdout
    tried(PROOF)["refused in one line, what is published untouched"] += 1
