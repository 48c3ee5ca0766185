"""Read the raw files of new stores in the same way as those of the environment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from pipeline.config import raw_files
from pipeline.config.environment import Config
from pipeline.core.assigning.sales import NewSales, new_sales
from pipeline.core.frames import empty
from pipeline.engine import external as outside
from pipeline.engine import internal
from pipeline.errors import MissingDataError, UsageError
from pipeline.schema import TABLES
from pipeline.stage import raw_source
from pipeline.wording import counted


@dataclass(frozen=True)
class NewStores:
    """The new stores' preprocessed sales, and their outside data; None if no file was given."""

    sales: NewSales
    features: pd.DataFrame | None


def check(config: Config, sales: str | None, external: Sequence[str]) -> None:
    """Check that the files of the new stores are given and exist.

    Raises
    ------
    UsageError
        No file is given, not one for each `[[sources.external]]`, or sales where the environment has none.
    MissingDataError
        A file does not exist.
    """
    if sales is None and not external:
        raise UsageError("assign: give the new stores' raw files with --sales FILE, --external FILE, or both")
    if sales is not None and config.settings.sources.internal_sales is None:
        raise UsageError(
            f"assign: --sales is given, and environment {config.env} has no [sources.internal_sales]: its clusters know no sales"
        )
    sources = len(raw_files.external_names(config))
    if external and len(external) != sources:
        raise UsageError(
            f"assign: --external is given {counted(len(external), 'time', 'times')}, and environment {config.env} has {sources} [[sources.external]]: "
            "give a file for each, in their order"
        )
    for path in (*([sales] if sales else []), *external):
        if not Path(path).is_file():
            raise MissingDataError(f"{path}: no such file; put the new stores' raw file there, or correct the path")


def read(config: Config, sales: str | None, external: Sequence[str], categories: Collection[str]) -> NewStores:
    """Read the files with the columns and formats of the environment's sources, and its need states.

    `categories` are those of the model; sales in other categories are not used. The settings `include` and `exclude` are
    ignored.

    Raises
    ------
    MissingDataError
        The file of need states does not exist.
    RawDataError
        A file is not as its source describes it.
    """
    engine = msgspec.structs.replace(config.settings.engine, spill_folder=str(config.spill_folder))
    preprocessing = msgspec.structs.replace(config.settings.internal.preprocessing, include=None, exclude=())
    nothing = empty(TABLES["sales_by_need_state"])
    gathered: dict[str, Any] = {"sales": nothing, "unchosen_stores": nothing[["store_id"]]}
    if sales is not None:
        files = {"internal_sales": [str(Path(sales).resolve())]}
        if config.settings.sources.need_states is not None:
            files["need_states"] = [str(path) for path in raw_source.check(config, "need_states")]
        gathered = internal.gather(files, config.settings.sources, preprocessing, engine, amalgamate=False)
    features = None
    if external:
        files = {
            name: [str(Path(path).resolve())]
            for name, path in zip(raw_files.external_names(config), external, strict=True)
        }
        features = outside.gather(files, config.settings.sources, engine)["features"]
    new = new_sales(gathered["sales"], gathered["unchosen_stores"], categories, preprocessing)
    return NewStores(new, features)
