"""Random raw files: sound ones of a few stores, each with some twists that are hard; a few twists (`FATAL`) are refused."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from projects import Project, make_project

KEYS = ["007", "NA", "None", "é", "a/b", "../x", '"', "'", "<i>", "x" * 300, "CON", "*", "\u202ea", "true", "=1+1"]


@dataclass
class Raw:
    """The raw files before they are written."""

    sales: pd.DataFrame
    needs: pd.DataFrame
    outside: pd.DataFrame


Twist = Callable[[Project, Raw, random.Random], None]


def hard_names(_: Project, raw: Raw, rng: random.Random) -> None:
    for column, frames in (
        ("STORE", (raw.sales, raw.outside)),
        ("SKU", (raw.sales, raw.needs)),
        ("CAT", (raw.sales, raw.needs)),
        ("NEED", (raw.needs,)),
    ):
        present = sorted(set(frames[0][column]))
        chosen = rng.sample(present, min(len(present), 4))
        new = dict(zip(chosen, rng.sample(KEYS, len(chosen)), strict=True))
        for frame in frames:
            frame[column] = frame[column].replace(new)


def other_spellings(_: Project, raw: Raw, rng: random.Random) -> None:
    raw.sales["STORE"] = [rng.choice([f" {s}", s, unicodedata.normalize("NFD", s)]) for s in raw.sales["STORE"]]


def numbers_as_keys(_: Project, raw: Raw, __: random.Random) -> None:
    raw.sales["STORE"] = raw.sales["STORE"].astype("float64")


def returns(_: Project, raw: Raw, rng: random.Random) -> None:
    raw.sales["SALES"] = [-value if rng.random() < 0.1 else value for value in raw.sales["SALES"]]


def a_store_that_cancels(_: Project, raw: Raw, __: random.Random) -> None:
    first = raw.sales[raw.sales["STORE"] == raw.sales["STORE"].iloc[0]]
    raw.sales = pd.concat([raw.sales, first.assign(SALES=-first["SALES"])], ignore_index=True)


def nothing_but_zeros(_: Project, raw: Raw, __: random.Random) -> None:
    raw.sales.loc[raw.sales["CAT"] == raw.sales["CAT"].iloc[0], "SALES"] = 0.0


def rows_twice(_: Project, raw: Raw, __: random.Random) -> None:
    raw.sales = pd.concat([raw.sales, raw.sales.iloc[::3]], ignore_index=True)


def unmapped(_: Project, raw: Raw, __: random.Random) -> None:
    raw.needs = raw.needs.iloc[1:]


def two_need_states(_: Project, raw: Raw, __: random.Random) -> None:
    raw.needs = pd.concat([raw.needs, raw.needs.iloc[::2].assign(NEED="another")], ignore_index=True)


def need_states_twice(_: Project, raw: Raw, __: random.Random) -> None:
    raw.needs = pd.concat([raw.needs, raw.needs], ignore_index=True)


def one_store(_: Project, raw: Raw, __: random.Random) -> None:
    raw.sales = raw.sales[raw.sales["STORE"] == raw.sales["STORE"].iloc[0]]


def one_need_state(_: Project, raw: Raw, __: random.Random) -> None:
    raw.needs["NEED"] = "one"


def few_known_outside(_: Project, raw: Raw, __: random.Random) -> None:
    raw.outside = raw.outside.iloc[::3]


def known_outside_only(_: Project, raw: Raw, __: random.Random) -> None:
    raw.sales = raw.sales[raw.sales["STORE"].isin(raw.outside["STORE"].iloc[::2])]


def gaps_outside(_: Project, raw: Raw, rng: random.Random) -> None:
    raw.outside["INCOME"] = [np.nan if rng.random() < 0.3 else value for value in raw.outside["INCOME"]]
    raw.outside["NAME"] = [None if rng.random() < 0.3 else value for value in raw.outside["NAME"]]


def hard_features(_: Project, raw: Raw, rng: random.Random) -> None:
    raw.outside["constant"], raw.outside["<b>=1"] = 1.0, raw.outside["AGE"] ** 3
    raw.outside["flag"] = [rng.choice([0, 1]) for _ in raw.outside["STORE"]]
    raw.outside["level"] = [rng.choice(["=1+1", "NaN", "a"]) for _ in raw.outside["STORE"]]
    raw.outside["huge"] = [rng.choice([1e100, -1e100, 0.0]) for _ in raw.outside["STORE"]]


def sales_as_csv(project: Project, *_: object) -> None:
    project.settings["sources"]["internal_sales"]["path"] = "data/raw/sales.csv"


def closed_and_held_out(project: Project, raw: Raw, rng: random.Random) -> None:
    stores = sorted({store.strip() for store in raw.sales["STORE"].astype(str)})
    project.settings["stores"] = {"closed": stores[:1], "held_out": [rng.choice(stores), "nobody"]}


def other_ways(project: Project, _: Raw, rng: random.Random) -> None:
    clustering = project.settings["internal"]["clustering"]
    clustering |= {"axis_tiers": rng.choice([2, 3]), "k": rng.choice([2, 3, None])}
    if clustering["k"] is None:
        del clustering["k"]
    project.settings["merging"] = {"method": rng.choice(["nested", "cross", "internal"]), "min_cluster_size": 2}


def text_as_sales(_: Project, raw: Raw, __: random.Random) -> None:
    raw.sales["SALES"] = raw.sales["SALES"].astype(object)
    raw.sales.iloc[0, raw.sales.columns.get_loc("SALES")] = "a lot"
    raw.sales["SALES"] = raw.sales["SALES"].astype(str)


def of_one_sale(value: float) -> Twist:
    def twist(_: Project, raw: Raw, rng: random.Random) -> None:
        raw.sales.iloc[rng.randrange(len(raw.sales)), raw.sales.columns.get_loc("SALES")] = value

    return twist


def infinite_outside(_: Project, raw: Raw, __: random.Random) -> None:
    raw.outside.loc[raw.outside.index[0], "INCOME"] = np.inf


def store_twice_outside(_: Project, raw: Raw, __: random.Random) -> None:
    another = raw.outside.iloc[:1].assign(AGE=raw.outside["AGE"].iloc[0] + 1)  # rows that are the same are one
    raw.outside = pd.concat([raw.outside, another], ignore_index=True)


def a_column_less(_: Project, raw: Raw, rng: random.Random) -> None:
    raw.sales = raw.sales.drop(columns=rng.choice(["STORE", "SKU", "SALES"]))


NAMES: tuple[Twist | None, ...] = (None, hard_names, hard_names, other_spellings, numbers_as_keys)
TWISTS: tuple[Twist, ...] = (
    returns,
    a_store_that_cancels,
    nothing_but_zeros,
    rows_twice,
    unmapped,
    two_need_states,
    need_states_twice,
    one_store,
    one_need_state,
    few_known_outside,
    known_outside_only,
    gaps_outside,
    hard_features,
    sales_as_csv,
    closed_and_held_out,
    other_ways,
)
FATAL: tuple[Twist, ...] = (
    text_as_sales,
    of_one_sale(np.inf),
    of_one_sale(1e308),
    infinite_outside,
    store_twice_outside,
    a_column_less,
)


def random_project(home: Path, number: int) -> tuple[Project, Raw]:
    """A project with sound raw files that have up to four twists, one in ten a fatal one."""
    rng = random.Random(number)
    project = make_project(home)
    project.settings["internal"]["preprocessing"] = {"max_unmapped_share": 1.0, "max_clipped_share": 1.0}
    raw = sound(rng, rng.choice([2, 9, 16]), rng.choice([1, 2]))
    name = rng.choice(NAMES)
    twists = [*([name] if name else []), *rng.sample(TWISTS, rng.randrange(4))]
    if rng.random() < 0.1:
        twists.append(rng.choice(FATAL))
    for twist in twists:
        twist(project, raw, rng)
    write(project, raw)
    return project, raw


def write(project: Project, raw: Raw) -> None:
    """The raw files, and the config."""
    path = project.path(project.settings["sources"]["internal_sales"]["path"])
    if path.suffix == ".csv":
        raw.sales.to_csv(path, index=False)
    else:
        raw.sales.to_parquet(path, index=False)
    raw.needs.to_csv(project.path("data/raw/needs.csv"), index=False)
    raw.outside.to_parquet(project.path("data/raw/external.parquet"), index=False)
    project.configure()


def sound(rng: random.Random, stores: int, categories: int) -> Raw:
    """Stores of two kinds, inside and outside; whole cents."""
    names = [str(n) for n in range(1, stores + 1)]
    rows, needs = [], []
    for category in ("Bread", "bread")[:categories]:
        for sku in range(4):
            needs.append((f"{sku}", category, f"need {sku}"))
            rows += [
                (name, f"{sku}", category, rng.randrange(100, 10**4) * (9 if sku % 2 == int(name) % 2 else 1) / 100)
                for name in names
            ]
    outside = pd.DataFrame({"STORE": names, "INCOME": [20.0 * (int(name) % 2) + rng.random() for name in names]})
    return Raw(
        pd.DataFrame(rows, columns=["STORE", "SKU", "CAT", "SALES"]),
        pd.DataFrame(needs, columns=["SKU", "CAT", "NEED"]),
        outside.assign(AGE=[rng.randrange(9) for _ in names], NAME=[f"Store {name}" for name in names]),
    )
