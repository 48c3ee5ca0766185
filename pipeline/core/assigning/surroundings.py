"""Convert the outside data of new stores to the features of the model."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.errors import RawDataError
from pipeline.wording import listed

_NAMED = 30  # columns in a message


class Surroundings(NamedTuple):
    """`features`: one row per store with any value (index: store_id), the model's features before scaling. `notes`, by store: the
    values that were filled in or replaced, in words."""

    features: pd.DataFrame
    notes: dict[str, str]


def surroundings(offered: pd.DataFrame, model_features: pd.DataFrame) -> Surroundings:
    """Columns of the outside data -> the model's features: levels as 0 and 1, missing values filled, logarithms taken.

    Nothing is fitted on these stores: features, levels and fill values come from the model. A column that the model does not
    use is ignored; a column that does not exist counts as missing in every store. A text without a feature of its own is 0
    in the features of all levels.

    Parameters
    ----------
    offered : store_id and a column per feature, numbers with NaN or texts with None; one row per store
    model_features : the rows of this table of the model for the external side

    Returns
    -------
    The features of the stores with a value in at least one column that the model uses; other stores are left out.

    Raises
    ------
    RawDataError : the model uses none of the columns; a column has texts where the model has numbers, or a value without a
        logarithm
    """
    given = offered.set_index("store_id").sort_index()
    used = sorted({str(column) for column in model_features["raw_column"]})
    if used and len(given) and not given.columns.intersection(used).size:
        raise RawDataError(
            f"the outside data of the new stores has none of the columns that the model uses: {listed(used, _NAMED)}; "
            f"found: {listed(map(str, given.columns), _NAMED) or 'no feature'}; correct the names, or leave the file out"
        )
    present = given.reindex(columns=used)
    given = present[present.notna().any(axis=1)]
    notes: dict[str, list[str]] = {str(store): [] for store in given.index}
    for column in used:
        _note(notes, given[column].isna(), f"{column} is missing")
    features: dict[str, NDArray[np.float64]] = {}
    for column, rows in model_features.groupby("raw_column", sort=True):
        is_missing = given[column].isna().to_numpy(dtype="float64")
        features |= {str(name): is_missing for name in rows.loc[rows["kind"] == "missing", "feature"]}
        levels = rows[rows["kind"] == "level"]
        if len(levels):
            level_features, texts = _levels(given[column], levels)
            features |= level_features
            levels_in_model = {*levels["level"], *levels["other_level"].dropna()}
            for store, text in texts[texts.notna() & ~texts.isin(levels_in_model)].items():
                notes[str(store)].append(f"{column} is {text!r}, which is not a level of the model")
        numbers = rows[rows["kind"].isin(["number", "log1p"])]
        features |= {str(row["feature"]): _number(given[column], row) for row in numbers.to_dict("records")}
    wide = pd.DataFrame(features, index=given.index, dtype="float64")
    return Surroundings(wide, {store: "; ".join(texts) for store, texts in notes.items()})


def _note(notes: dict[str, list[str]], where: pd.Series[bool], text: str) -> None:
    for store in where.index[where]:
        notes[str(store)].append(text)


def _number(values: pd.Series[Any], feature: dict[Any, Any]) -> NDArray[np.float64]:
    column = feature["raw_column"]
    if values.notna().any() and not pd.api.types.is_numeric_dtype(values):
        numbers = pd.to_numeric(values, errors="coerce")
        bad = values[values.notna() & numbers.isna()]
        if len(bad):
            raise RawDataError(
                f"the outside data's column '{column}' is {str(bad.iloc[0])!r} for store {str(bad.index[0])!r}, where the model has "
                "numbers; correct it, or leave it empty"
            )
        values = numbers
    filled = values.astype("float64").fillna(feature["fill_value"])
    complete: NDArray[np.float64] = filled.to_numpy()
    if feature["kind"] != "log1p":
        return complete
    low = filled[filled <= -1.0]
    if len(low):
        raise RawDataError(
            f"the outside data's column '{column}' is {low.iloc[0]:g} for store {str(low.index[0])!r}, where the model takes "
            "the logarithm of a number that is never negative; it must be 0 or more: correct it, or leave it empty"
        )
    logarithms: NDArray[np.float64] = np.log1p(complete)
    return logarithms


def _levels(values: pd.Series[Any], rows: pd.DataFrame) -> tuple[dict[str, NDArray[np.float64]], pd.Series[Any]]:
    """The features of a column of texts, and its texts; a file with only numbers in this column gives numbers."""
    texts = values.map(_text, na_action="ignore") if pd.api.types.is_numeric_dtype(values) else values
    texts = texts.astype(object).where(texts.notna(), None)
    return {
        str(row["feature"]): (texts == row["level"])
        .astype("float64")
        .where(texts.notna(), row["fill_value"])
        .to_numpy(dtype="float64")
        for row in rows.to_dict("records")
    }, texts


def _text(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)
