"""What columns are called in retailers' files, in several languages, and how well a name fits a use."""

from __future__ import annotations

import re
import unicodedata

# By use: English, German, French, Spanish, Dutch, Italian, Portuguese, Polish, Swedish words; each a word or several, without accents.
_WORDS = {
    "store_id": "store shop outlet branch site location market|filiale filial markt laden standort haus vst|magasin boutique pdv|"
    "tienda sucursal local|winkel filiaal vestiging|negozio|loja|sklep|butik",
    "sku_id": "sku item product article upc ean gtin barcode plu material|artikel produkt|produit article reference|"
    "articulo producto|product|articolo prodotto|produto artigo|towar|vara",
    "category": "category cat department dept group|warengruppe wgr kategorie sparte abteilung|categorie rayon famille|"
    "categoria familia seccion|categorie productgroep artikelgroep groep|reparto gruppo|kategoria|varugrupp",
    "need_state": "need needstate subcategory subcat subclass segment mission|bedarf unterkategorie unterwarengruppe|"
    "besoin souscategorie sousfamille|necesidad subcategoria subfamilia|behoefte subcategorie|bisogno|necessidade",
    "sales_value": "sales revenue amount turnover netsales spend|umsatz erlos betrag|ventes montant ca|ventas importe|"
    "omzet bedrag verkoop|vendite fatturato importo|vendas receita valor|sprzedaz|forsaljning",
    "units": "units qty quantity volume|menge stuck anzahl absatz|quantite qte|unidades cantidad|aantal stuks|quantita|quantidade",
    "price": "price|preis|prix|precio|prijs|prezzo|preco|cena|pris",
    "week": "week date day period month timestamp ts|datum woche kw tag monat|date semaine jour mois|fecha semana dia mes|datum dag maand|"
    "data settimana|data semana|tydzien|vecka",
    "weight": "weight|gewicht anteil|poids|peso|gewicht aandeel",
    "label": "name description desc address city region manager|bezeichnung name ort adresse|nom libelle ville|nombre descripcion ciudad|"
    "naam omschrijving plaats|nome descrizione citta",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(re.split(r"[ |]", text))


WORDS = {use: _words(words) for use, words in _WORDS.items()}
_KEY = _words("id no nr nbr num number code key nummer numero nro codice codigo kod sk")
_NET = _words("net netto value total wert eur usd gbp chf amount")
_PLURAL = re.compile(r"(.{3,}?)(en|es|s|n)$")


def tokens(name: str) -> tuple[str, ...]:
    """Return the words of a column's name, lower case and without accents: `Filial-Nr.`, `FilialNr` and `FILIAL_NR` are (filial, nr)."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("ł", "l"))
    ascii_only = "".join(letter for letter in plain if not unicodedata.combining(letter))
    split = re.sub(r"([a-z])([A-Z])", r"\1 \2", ascii_only)
    return tuple(re.findall(r"[a-z]+", split.lower()))


def fit(name: str, use: str) -> float:
    """Return how well a name fits a use, from 0; 1 and more is a fit, the more the better."""
    words = tokens(name)
    if not words:
        return 0.0
    joined = "".join(words)
    if joined in WORDS[use]:
        return 3.0
    hits = [word for word in words if _is_one(word, use)]
    compound = not hits and any(_begins_or_is_in(joined, word) for word in WORDS[use])
    if not hits and not compound:
        return 0.0
    score = 1.0 + (1.0 if hits and len(hits) == len(words) else 0.0)
    if use in ("store_id", "sku_id") and any(word in _KEY or word.endswith(("nr", "nummer", "code")) for word in words):
        score += 1.5
    if use == "sales_value" and any(word in _NET for word in words):
        score += 0.5
    if use != "label" and any(word in WORDS["label"] for word in words):
        score -= 0.8
    return max(score, 0.0)


def _begins_or_is_in(compound: str, word: str) -> bool:
    """Return whether a compound such as `weeknummer` or `hauptwarengruppe` has the word; short ones count at its beginning alone."""
    return compound.startswith(word) if len(word) == 4 else len(word) > 4 and word in compound


def _is_one(word: str, use: str) -> bool:
    if word in WORDS[use]:
        return True
    plural = _PLURAL.fullmatch(word)
    return bool(plural) and plural[1] in WORDS[use]  # type: ignore[index]
