"""The final cluster of a new store, from its internal and its external one."""

from __future__ import annotations

import pandas as pd
import pytest
from core.assigned_stores import (
    fitted,
    placed,
)

from pipeline.schema import TABLES
from pipeline.settings import (
    Assign,
)


def test_the_final_cluster_is_that_of_most_stores_of_the_pair_else_of_the_internal_cluster():
    of = fitted()
    pairs = pd.DataFrame(
        [("Bread", 1, 1, 1, 3), ("Bread", 1, 1, 2, 4), ("Bread", 1, 2, 1, 9)],
        columns=[column.name for column in TABLES["model_pairs"].columns],
    )
    rest = of.model["model_pairs"].query("category != 'Bread'")
    from pipeline.core.assigning.category import CategoryModel
    from pipeline.core.assigning.space_tables import published_spaces

    changed = of.model | {"model_pairs": pd.concat([pairs, rest])}
    spaces = published_spaces(changed)
    one = CategoryModel("Bread", changed, spaces["internal", "Bread"], of.tables["store_clusters"], Assign(), {})
    assert one.final(1, 1) == (2, "4 of 7 stores of internal 1 and external 1 are in cluster 2")
    assert one.final(1, 0)[0] == 1
    assert one.final(1, 0)[1].startswith(
        "no store is of internal 1 and external unknown; 12 of 16 stores of internal 1"
    )


def test_fitted_stores_get_their_final_cluster_back_as_often_as_the_model_says():
    of = fitted()
    found = placed(of, of.sales, of.offered).query("method == 'mix'")
    assert (found["cluster"] == found["published_cluster"]).groupby(found["category"]).mean().tolist() == pytest.approx(
        of.model["model_categories"].sort_values("category")["pair_share"].tolist()
    )
