"""How well the names of columns fit what they may be used as."""

from __future__ import annotations

import pytest

from pipeline.engine.proposing.vocabulary import WORDS, fit, tokens


@pytest.mark.parametrize("name", ["Filial-Nr.", "FilialNr", "FILIAL_NR", "filial nr", " Filial/Nr "])
def test_a_name_is_its_words_however_they_are_joined(name) -> None:
    assert tokens(name) == ("filial", "nr")


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("STORE_NBR", "store_id"), ("Shop Id", "store_id"), ("Outlet_Identifier", "store_id"), ("Filialnummer", "store_id"),
        ("Code magasin", "store_id"), ("id_tienda", "store_id"), ("Winkelnummer", "store_id"), ("Sklep", "store_id"),
        ("Item_Identifier", "sku_id"), ("UPC", "sku_id"), ("PRODUCT_ID", "sku_id"), ("Artikelnummer", "sku_id"), ("Référence", "sku_id"),
        ("Department", "category"), ("Warengruppe", "category"), ("Rayon", "category"), ("Familia", "category"), ("Productgroep", "category"),
        ("Net Sales", "sales_value"), ("Umsatz EUR", "sales_value"), ("Montant", "sales_value"), ("Importe", "sales_value"), ("Omzet", "sales_value"),
        ("TransactionDate", "week"), ("Weeknummer", "week"), ("Fecha", "week"), ("KW", "week"), ("Semaine", "week"),
        ("Sub-Category", "need_state"), ("Besoin", "need_state"), ("Unterwarengruppe", "need_state"), ("Subfamilia", "need_state"),
        ("Store Name", "label"), ("Bezeichnung", "label"), ("Libellé", "label"),
    ],
)  # fmt: skip
def test_names_of_many_languages_fit_their_use_best(name, use) -> None:
    scores = {other: fit(name, other) for other in WORDS}
    assert scores[use] >= 1
    assert scores[use] == max(scores.values()), scores


@pytest.mark.parametrize("name", ["", "123", "COLOUR", "Income", "x", "Sqm"])
def test_a_name_that_says_nothing_fits_nothing(name) -> None:
    assert max(fit(name, use) for use in WORDS) < 1
