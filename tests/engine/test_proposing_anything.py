"""Whatever stands in a file, a proposal is a config that can be loaded."""

from __future__ import annotations

import contextlib
import csv
import io
import random
from pathlib import Path

import msgspec
import pytest

from pipeline.config.environment import tomllib
from pipeline.engine.proposing import as_toml, roles, samples
from pipeline.errors import RawDataError
from pipeline.settings import Settings

CELLS = (
    "", "NA", "-", "1", "12.50", "(5.00)", "12.50-", "$1,234.50", "10,03 EUR", "2024-W05", "202401", "Total", "Summe", "a b", '"q"',
    "\u00e9", "1.003", "901", "x", "8.71E+12", "31/01/2024", "*", "[", "CR", "5 CR",
)  # fmt: skip
NAMES = (
    "STORE", "SKU", "CAT", "SALES", "WEEK", "202401", "202402", "2024*", "[x]", "W1", "YEAR", "", "Umsatz", 'a"b', "UNITS", "PRICE",
    "Filiale",
)  # fmt: skip


def anything(rng: random.Random) -> str:
    columns = rng.sample(NAMES, rng.randint(1, 7))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=rng.choice(",;\t"))
    writer.writerows([["Report"]] * rng.randint(0, 2))
    writer.writerow(columns)
    writer.writerows([[rng.choice(CELLS) for _ in columns] for _ in range(rng.randint(0, 12))])
    return text.getvalue()


@pytest.mark.parametrize("seed", range(60))
def test_a_proposal_of_any_files_is_a_config(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    read = []
    for number in range(rng.randint(1, 3)):
        path = tmp_path / f"{number}.csv"
        path.write_text(anything(rng))
        with contextlib.suppress(RawDataError):  # an empty file, which `init` names
            read.append(samples.read(path))
    text = as_toml.written(roles.propose(read), tmp_path)
    config = tomllib.loads(text)
    assert not config or msgspec.convert(config, Settings).sources
