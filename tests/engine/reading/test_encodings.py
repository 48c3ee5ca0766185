"""Which encodings are advised: the one that the text is in, and none under which its letters are those of no language."""

from __future__ import annotations

import io

import pytest

from pipeline.engine.reading.encodings import readings

TEXTS = {
    "cp1252": (
        "K\u00e4se;Br\u00f6tchen;S\u00fc\u00dfwaren", "Cr\u00e8me br\u00fbl\u00e9e;P\u00e2t\u00e9;\u0152uf",
        "Jalape\u00f1o;Pi\u00f1a;Caf\u00e9 con leche", "P\u00e3o de queijo;A\u00e7\u00facar;Ma\u00e7\u00e3",
    ),
    "cp1250": ("Chleb \u017cytni;Mas\u0142o;\u015amietana;M\u0105ka", "Tejf\u00f6l;Sajtkr\u00e9m;\u0150szibarack"),
    "cp1251": (
        "\u0425\u043b\u0435\u0431;\u041c\u043e\u043b\u043e\u043a\u043e;\u0421\u044b\u0440",
        "\u0419\u043e\u0433\u0443\u0440\u0442;\u041a\u043e\u0444\u0435;\u0427\u0430\u0439",
    ),
    "cp1253": ("\u03a8\u03c9\u03bc\u03af;\u0393\u03ac\u03bb\u03b1;\u039a\u03b1\u03c6\u03ad\u03c2",),
    "cp1254": ("Yo\u011furt;\u00c7ikolata;\u015eeker;G\u0131da",),
    "cp1255": ("\u05dc\u05d7\u05dd;\u05d7\u05dc\u05d1;\u05d2\u05d1\u05d9\u05e0\u05d4;\u05e7\u05e4\u05d4",),
    "koi8-r": ("\u0425\u043b\u0435\u0431;\u041c\u043e\u043b\u043e\u043a\u043e;\u041c\u0430\u0441\u043b\u043e",),
    "cp850": ("K\u00e4se;Br\u00f6tchen;S\u00fc\u00dfwaren", "Cr\u00e8me fra\u00eeche;L\u00e9gumes"),
    "cp874": ("\u0e02\u0e19\u0e21\u0e1b\u0e31\u0e07;\u0e19\u0e21;\u0e01\u0e32\u0e41\u0e1f",),
    "cp932": ("\u30d1\u30f3;\u725b\u4e73;\u30b3\u30fc\u30d2\u30fc",),
}  # fmt: skip


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts])
def test_only_the_encoding_of_the_text_is_advised(encoding: str, text: str) -> None:
    data = "\n".join(f"{number},{word}" for number, word in enumerate(text.split(";"))).encode(encoding)
    assert [name for name, _ in readings(lambda: io.BytesIO(data), "utf-8")] == [encoding]


@pytest.mark.parametrize("text", ["Sm\u00f8rrebr\u00f8d;Fl\u00f8de;\u00c6ble", "Pi\u00f1\u00f3n;a\u00f1o"])
def test_where_several_give_words_all_are_advised_with_how_they_read(text: str) -> None:
    data = "\n".join(text.split(";")).encode("cp1252")
    (first, example), *others = readings(lambda: io.BytesIO(data), "utf-8")
    assert (first, example) == ("cp1252", text.partition(";")[0])
    assert others
