"""The planted tables as raw files, where and as the config says; no file that exists is ever replaced."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.config.raw_files import FORMATS, format_of
from pipeline.errors import SettingsError
from pipeline.sample import marker
from pipeline.settings import CsvSettings, ExternalSource, NeedStateSource, SalesSource, Settings
from pipeline.storage.replacement import addition, replacement, sweep

if TYPE_CHECKING:
    import pandas as pd

TRUTH = "sample_truth.parquet"


class _File(NamedTuple):
    """A raw file to write: the setting that names it, what that says, and the table in raw column names."""

    setting: str
    configured: str
    path: Path
    source: SalesSource | NeedStateSource | ExternalSource
    table: Callable[[], pd.DataFrame]


def write(settings: Settings, home: Path) -> list[Path]:
    """Write the raw files that do not exist yet, after the truth: `sample_truth.parquet` beside the internal sales.

    A file is written under a dotted name in the same folder, synced, and linked to its own name, which fails where that
    name is taken: a file that exists keeps its bytes. A killed run leaves complete files only.

    Parameters
    ----------
    settings : where the raw files are, their columns, how CSV is written, and what is to be planted
    home : the folder that relative paths start at

    Returns
    -------
    The files written: the truth, then in the order of the settings. None where all raw files exist.

    Raises
    ------
    SettingsError : a path is a folder, a glob or of no known type, or a setting says that a file is written as sample data is not: all of
        them, before anything is written
    OutputError : the file system has no hard links
    """
    files = _files(settings, home)
    missing = [file for file in files if not file.path.is_file()]
    faults = [fault for file in missing for fault in _faults(file)]
    if faults:
        raise SettingsError(*faults)
    written = _truth(settings, files[0].path.with_name(TRUTH)) if missing else []
    return written + [file.path for file in missing if _write(file.table(), file.path, file.source.csv)]


def _truth(settings: Settings, path: Path) -> list[Path]:
    """Write the truth, over an earlier one at most."""
    if path.exists() and not marker.is_sample(path):
        return []
    from pipeline.sample.make import make

    _write(make(settings.sample_data)["truth"], path, CsvSettings(), replace=True)
    return [path]


def _files(settings: Settings, home: Path) -> list[_File]:
    from pipeline.sample.make import make, make_further

    sources = settings.sources
    tables: dict[str, pd.DataFrame] = {}

    def planted(name: str) -> pd.DataFrame:
        if not tables:
            tables.update(make(settings.sample_data))
        return tables[name]

    files = []
    if (sales := sources.internal_sales) is not None:

        def sold(source: SalesSource = sales) -> pd.DataFrame:
            return _sales(planted("internal_sales"), planted("need_states"), source)

        files.append(_File("sources.internal_sales", sales.path, home / sales.path, sales, sold))
    if (needs := sources.need_states) is not None:

        def served(source: NeedStateSource = needs) -> pd.DataFrame:
            return _need_states(planted("need_states"), source)

        files.append(_File("sources.need_states", needs.path, home / needs.path, needs, served))
    for position, source in enumerate(sources.external):

        def features(position: int = position, key: str = source.columns.store_id) -> pd.DataFrame:
            table = make_further(settings.sample_data, position) if position else planted("external")
            return table.rename(columns={"store_id": key})

        files.append(_File(f"sources.external[{position}]", source.path, home / source.path, source, features))
    return files


def _sales(sales: pd.DataFrame, need_states: pd.DataFrame, source: SalesSource) -> pd.DataFrame:
    """The sales in raw names; columns that the mix is over hold the first need state of the SKU."""
    columns = source.columns
    names = {name: getattr(columns, name) for name in ("store_id", "sku_id", "category", "week", "sales_value")}
    table = _renamed(sales, names)
    of_sku = need_states.drop_duplicates("sku_id").set_index("sku_id")["need_state"]
    return table.assign(**{name: sales["sku_id"].map(of_sku) for name in _columns(columns.need_state)})


def _need_states(table: pd.DataFrame, source: NeedStateSource) -> pd.DataFrame:
    """The map in raw names; where weights are configured, every need state of a SKU weighs the same."""
    columns = source.columns
    keys = _renamed(table, {"sku_id": columns.sku_id, "category": columns.category})
    named = keys.assign(**dict.fromkeys(_columns(columns.need_state), table["need_state"]))
    return named if columns.weight is None else named.assign(**{columns.weight: 1})


def _columns(attributes: str | dict[str, float] | None) -> list[str]:
    """The columns that are named, one or several."""
    return [attributes] if isinstance(attributes, str) else list(attributes or {})


def _renamed(table: pd.DataFrame, names: Mapping[str, str | None]) -> pd.DataFrame:
    """The columns that the config names, under those names."""
    used = {name: raw for name, raw in names.items() if raw is not None}
    return table[list(used)].rename(columns=used)


def _faults(file: _File) -> list[str]:
    where = f"{file.setting}.path = '{file.configured}'"
    next_step = "name a file to get sample data, or put real data there"
    if file.path.is_dir():
        return [f"{where} is a folder, where sample data cannot be written: {next_step}"]
    if any(character in file.configured for character in "*?["):
        return [f"{where} is a glob, where sample data cannot be written: {next_step}"]
    if format_of(file.path.name) not in _WRITERS or file.path.name.endswith(".zip"):
        allowed = ", ".join(suffix for format_ in _WRITERS for suffix in FORMATS[format_])
        return [f"{where} is of no known type (allowed: {allowed}): {next_step}"]
    return [
        f"{file.setting}.{name} = {_in_toml(value)}: sample data is not written so: remove it, or put real data there"
        for name, value in _beyond_sample(file)
    ]


def _beyond_sample(file: _File) -> Iterator[tuple[str, Any]]:
    """The settings, with their values, by which a file of sample data could not be read back: it has a header, a column per key, and a row per week, counted from 1."""
    source = file.source
    for name in source.columns.__struct_fields__:
        column = getattr(source.columns, name)
        if isinstance(column, tuple | list) or (name == "sales_value" and "*" in column):
            yield f"columns.{name}", column
    if isinstance(source, SalesSource) and source.week_columns:
        yield "week_columns", source.week_columns
    if isinstance(source, SalesSource) and source.columns.week and source.week_format not in (None, "index"):
        yield "week_format", source.week_format
    if format_of(file.path.name) == "CSV":
        plain = CsvSettings()
        for name in ("header_row", "footer_rows", "fill_down"):
            if (value := getattr(source.csv, name)) != getattr(plain, name):
                yield f"csv.{name}", value


def _in_toml(value: Any) -> str:
    """A setting's value as the config has it."""
    return json.dumps(value, ensure_ascii=False)


def _write(table: pd.DataFrame, path: Path, csv: CsvSettings, *, replace: bool = False) -> bool:
    """Write a table to its path. False where the name was taken in the meantime."""
    sweep(path.parent, path.name)
    try:
        with (replacement if replace else addition)(path) as temporary:
            _WRITERS[format_of(path.name) or ""](table, temporary, csv, path.name)
    except FileExistsError:
        return False
    return True


def _write_parquet(table: pd.DataFrame, path: Path, _csv: CsvSettings, _name: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata({marker.KEY: marker.VALUE})
    pq.write_table(arrow, path, compression="zstd")


def _write_csv(table: pd.DataFrame, path: Path, csv: CsvSettings, name: str) -> None:
    table.assign(**{marker.COLUMN: ""}).to_csv(
        path,
        index=False,
        sep=csv.delimiter,
        decimal=csv.decimal or ".",
        quotechar=csv.quote,
        encoding=csv.encoding,
        lineterminator="\n",
        compression={"method": "gzip", "mtime": 0} if name.endswith(".gz") else None,
    )


# The formats that sample data is written in; `name` is the file's own, `path` where it is written first.
_WRITERS: dict[str, Callable[[pd.DataFrame, Path, CsvSettings, str], None]] = {
    "Parquet": _write_parquet,
    "CSV": _write_csv,
}
