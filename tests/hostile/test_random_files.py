"""Random raw files through the whole pipeline, in process: P1 to P5 hold, or the error is a documented one.

P1 to P3 are asked of what is in the database, P4 of readers that look on while a run replaces it, P5 of a run after the run. What was good
stays as it is when the raw files turn wrong.
"""

from __future__ import annotations

import random
import unicodedata
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hostile.promises import check_final_clusters, check_k
from hostile.random_files import FATAL, Raw, random_project, write
from onlookers import holder, onlooker
from projects import Outcome, Project

from pipeline.config import environment

LEAST_THROUGH = 0.85


def key(name: object) -> str:
    """A key as the pipeline writes it."""
    text = f"{name:.0f}" if isinstance(name, float) else str(name)
    return unicodedata.normalize("NFC", text.strip())


def check(project: Project, raw: Raw) -> None:
    """P1 to the cent, P2, P3, and nothing outside of the home folder or in place of a name."""
    came_in: dict[str, int] = {}
    for category, value in zip(raw.sales["CAT"], raw.sales["SALES"], strict=True):
        came_in[key(category)] = came_in.get(key(category), 0) + int(Decimal(repr(float(value))) * 100)
    with duckdb.connect(str(project.database), read_only=True) as database:

        def rows(query: str) -> list[tuple[object, ...]]:
            return database.execute(query).fetchall()

        published = rows("SELECT category, sum(sales_value) FROM sales_by_need_state GROUP BY category")
        assert {str(category): int(value * 100) for category, value in published} == came_in
        placed = set(rows("SELECT store_id, category FROM store_clusters"))
        excluded = set(rows("SELECT store_id, category FROM excluded_stores"))
        known = {store for store, _ in placed | excluded}
        tables = [name for (name,) in database.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        made = {name: database.table(name).df() for name in tables}
    inside = {(key(s), key(c)) for s, c in zip(raw.sales["STORE"], raw.sales["CAT"], strict=True)}
    assert inside <= placed | excluded
    assert {key(store) for store in raw.outside["STORE"]} <= known
    assert known <= {store for store, _ in inside} | {key(store) for store in raw.outside["STORE"]}
    assert all(path.resolve().is_relative_to(project.home) for path in project.home.rglob("*"))
    chosen = environment.load("dev").settings
    for side in ("internal", "external", "chain"):
        check_k(side, getattr(chosen, side).clustering, made)
    check_final_clusters(made)


def check_refusal(outcome: Outcome, number: int) -> None:
    """Every error is a documented one, in a line."""
    said = list(outcome.failed.values())
    assert said, (number, outcome)
    assert not [text for text in said if "Error" in text or "report this" in text or "\n" in text], (number, said)


#: a query in one line: what no half load gives
LOADED = """
    SELECT
        (SELECT count(*) FROM duckdb_tables()),
        (SELECT bit_xor(hash(s)) FROM sales_by_need_state AS s),
        (SELECT bit_xor(hash(c)) FROM store_clusters AS c),
        (SELECT bit_xor(hash(l)) FROM lineage AS l)
""".replace("\n", " ")


def check_readers_see_one_load_or_the_other(project: Project, raw: Raw, number: int) -> None:
    """P4: while a run replaces the database, readers see the old load or the new one, whole; who has it open keeps what they opened."""
    raw.sales["SALES"] = raw.sales["SALES"] * 2
    raw.outside["AGE"] += 1
    write(project, raw)
    with holder(project.database, "read") as reader, onlooker(project.database, LOADED) as looking:
        old = reader.ask(LOADED)
        outcome = project.build()
        assert outcome.status == "SUCCESS", (number, outcome)
        assert reader.ask(LOADED) == old
        seen = looking.saw()
    with holder(project.database, "read") as later:
        assert seen == [old, later.ask(LOADED)], number
    check(project, raw)


def check_what_was_good_stays(project: Project, raw: Raw, number: int) -> None:
    """Raw files that are wrong, after a good run: refused, and every table and the database are what they were."""
    before = project.published()
    rng = random.Random(f"wrong {number}")
    rng.choice(FATAL)(project, raw, rng)
    write(project, raw)
    outcome = project.build()
    check_refusal(outcome, number)
    assert outcome.built == set(), number
    assert project.published() == before, number


def built_or_refused(project: Project) -> Outcome | None:
    """What a run did; None where the config was refused, such as a store that is both closed and held out."""
    code: object = None
    try:
        return project.build()
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert not project.path("outputs").exists()
    return None


@pytest.mark.parametrize(
    "numbers", [range(1), *(pytest.param(range(n, n + 20), marks=pytest.mark.nightly) for n in range(0, 200, 20))]
)
def test_random_files_through_the_whole_pipeline_keep_what_is_promised(
    numbers: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tried
) -> None:
    counts = tried("random raw files through the whole pipeline")
    for number in numbers:
        home = tmp_path / str(number)
        home.mkdir()
        monkeypatch.setenv("STORE_CLUSTERING_HOME", str(home))
        project, raw = random_project(home, number)
        outcome = built_or_refused(project)
        if outcome is None:
            counts["refused by a documented error"] += 1
            continue
        if outcome.failed:
            check_refusal(outcome, number)
            counts["refused by a documented error"] += 1
            continue
        assert outcome.status == "SUCCESS", (number, outcome)
        check(project, raw)
        assert project.build().built == set(), number
        counts["promises held, and nothing to do afterwards"] += 1
        check_readers_see_one_load_or_the_other(project, raw, number)
        counts["replaced under readers who saw the old load or the new one"] += 1
        check_what_was_good_stays(project, raw, number)
        counts["refused after that, the last good outputs untouched"] += 1
    through = counts["promises held, and nothing to do afterwards"]
    assert through >= LEAST_THROUGH * len(numbers) - 2, counts
