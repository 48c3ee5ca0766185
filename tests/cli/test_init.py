"""`init`: from raw files that nobody has described to a config, shown, confirmed, and checked."""

from __future__ import annotations

import zipfile
from itertools import pairwise
from typing import Any

import pytest
from conftest import SHARED
from engine import workbooks
from projects import Project

from pipeline.config import environment
from pipeline.config.environment import tomllib

STORES, SKUS = 24, ("a1", "b2", "c3", "d4")


@pytest.fixture
def empty(project: Project) -> Project:
    """A project without configs and raw files."""
    for path in [*project.path("configs").iterdir(), *project.path("data/raw").iterdir()]:
        path.unlink()
    return project


def sales(
    names: list[str], *, delimiter: str = ",", decimal: str = ".", thousands: str = "", category: bool = True
) -> str:
    """Sales under these names, in order: store, SKU, category (or none), amount, week."""
    lines = [delimiter.join(names)]
    for store in range(101, 101 + STORES):
        for number, sku in enumerate(SKUS):
            for week in (202401, 202402):
                amount = (
                    f"{1000 + 13.37 * (store - 100) * (number + 1):,.2f}".replace(",", "T")
                    .replace(".", decimal)
                    .replace("T", thousands)
                )
                kind = ["Bread" if number < 2 else "Tea"] if category else []
                lines.append(
                    delimiter.join(
                        [str(store), sku, *kind, f'"{amount}"' if delimiter in amount else amount, str(week)]
                    )
                )
    return "\n".join(lines) + "\n"


def stores(names: list[str], *, delimiter: str = ",", decimal: str = ".") -> str:
    """Outside data under these names: store, name, a number, a text of few levels."""
    rows = [
        delimiter.join([str(store), f"Shop {store}", f"{20 + (store * 7) % 31}{decimal}5", ("city", "town")[store % 2]])
        for store in range(101, 101 + STORES)
    ]
    return "\n".join([delimiter.join(names), *rows]) + "\n"


def products(names: list[str], *, delimiter: str = ",") -> str:
    """A product table under these names: SKU, need state, category."""
    kinds = zip(SKUS, ("Daily", "Treat", "Green", "Black"), ("Bread", "Bread", "Tea", "Tea"), strict=True)
    return "\n".join([delimiter.join(names), *(delimiter.join(row) for row in kinds)]) + "\n"


def put(project: Project, **texts: str | bytes) -> None:
    for name, text in texts.items():
        path = project.path(f"data/raw/{name.replace('__', '.')}")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def init(project: Project, *words: str) -> Any:
    return project.command("store-clustering", "init", *words)


def config(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(project.path("configs/base.toml").read_text())["sources"]
    return found


LANGUAGES = {
    "English": (["Store Number", "Item Code", "Department", "Net Sales", "Week"], ["UPC", "Segment", "Category"], ["store_nbr", "store name", "Median Income", "Area"]),
    "German": (["Filial-Nr.", "Artikelnummer", "Warengruppe", "Umsatz EUR", "KW"], ["ArtikelNr", "Unterkategorie", "Kategorie"], ["FILIALE", "Bezeichnung", "Einkommen", "Lage"]),
    "French": (["Magasin", "Code Article", "Rayon", "Chiffre Ventes", "Semaine"], ["REFERENCE_PRODUIT", "Besoin", "Famille"], ["code_magasin", "Libellé", "Revenu", "Zone"]),
    "Spanish": (["Tienda", "Código Artículo", "Categoría", "Importe", "Semana"], ["producto_id", "Necesidad", "Familia"], ["id_tienda", "Nombre", "Ingresos", "Entorno"]),
    "Dutch": (["Winkelnummer", "Artikelcode", "Productgroep", "Omzet", "Weeknummer"], ["artikel", "Behoefte", "Categorie"], ["Filiaal", "Naam", "Inkomen", "Ligging"]),
    "Italian": (["Negozio", "Codice Articolo", "Categoria", "Fatturato", "Settimana"], ["articolo", "Bisogno", "Reparto"], ["negozio", "Nome", "Reddito", "Zona"]),
}  # fmt: skip


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_files_with_names_in_many_languages_become_a_good_config(empty, language) -> None:
    sold, served, around = LANGUAGES[language]
    put(
        empty,
        export1__csv=sales(sold, delimiter=";", decimal=",", thousands="."),
        export2__csv=products(served, delimiter=";"),
        export3__csv=stores(around, delimiter=";", decimal=","),
    )
    done = init(empty, "--write")
    assert done.returncode == 0, done.stdout + done.stderr
    found = config(empty)
    assert found["internal_sales"]["columns"] == dict(
        zip(("store_id", "sku_id", "category", "sales_value", "week"), sold, strict=True)
    )
    assert found["need_states"]["columns"] == dict(zip(("sku_id", "need_state", "category"), served, strict=True))
    [outside] = found["external"]
    assert (outside["columns"], outside["labels"]) == ({"store_id": around[0]}, [around[1]])
    assert found["internal_sales"]["csv"] == {"delimiter": ";", "decimal": ",", "thousands": "."}
    assert "no errors" in done.stdout


def test_nothing_is_written_without_being_asked_and_the_proposal_is_checked(empty) -> None:
    put(empty, sales__csv=sales(["STORE", "SKU", "CAT", "SALES", "WEEK"]))
    done = init(empty)
    assert done.returncode == 0, done.stderr
    assert not list(empty.path("configs").iterdir())
    assert 'columns = { store_id = "STORE"' in done.stdout
    assert f"internal_sales: data/raw/sales.csv (CSV): {STORES * 8} rows" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("nothing is written: run again with --write")


def test_a_config_is_replaced_only_by_force_and_the_former_one_stays(empty) -> None:
    put(empty, sales__csv=sales(["STORE", "SKU", "CAT", "SALES", "WEEK"]))
    base = empty.path("configs/base.toml")
    base.write_text("# mine\n")
    done = init(empty, "--write")
    assert done.returncode == 2
    assert "exists, and is not replaced" in done.stderr
    assert base.read_text() == "# mine\n"
    for number, former in enumerate(("base.toml.before-init", "base.toml.before-init-2")):
        before = base.read_text()
        assert init(empty, "--write", "--force").returncode == 0
        assert empty.path(f"configs/{former}").read_text() == before, number
    assert "internal_sales" in config(empty)


def test_sales_alone_go_from_a_file_to_a_report(empty) -> None:
    put(empty, verkauf__csv=sales(["Filiale", "Artikel", "Warengruppe", "Umsatz", "KW"]))
    assert init(empty, "--write").returncode == 0
    environment.forget()
    assert empty.command("store-clustering", "run", "--quiet").returncode == 0
    assert empty.path("outputs/dev/report.html").is_file()


def test_files_with_the_same_columns_are_read_as_one_source(empty) -> None:
    first = sales(["STORE", "SKU", "CAT", "SALES", "WEEK"])
    put(
        empty,
        sales_2023__csv=first,
        sales_2024__csv=first.replace("2024", "2025"),
        stores__csv=stores(["STORE", "NAME", "INCOME", "AREA"]),
    )
    done = init(empty, "--write")
    assert done.returncode == 0, done.stdout
    assert config(empty)["internal_sales"]["path"] == "data/raw/sales_*.csv"
    assert f"{STORES * 16} rows" in done.stdout


def test_the_category_may_stand_in_the_product_table(empty) -> None:
    put(
        empty,
        sales__csv=sales(["STORE", "SKU", "SALES", "WEEK"], category=False),
        products__csv=products(["SKU", "NEED", "CATEGORY"]),
    )
    done = init(empty, "--write")
    assert done.returncode == 0, done.stdout
    environment.forget()
    assert "that of the SKU in need_states" in done.stdout


def test_a_sheet_and_its_header_row_are_seen(empty) -> None:
    rows = [line.split(",") for line in sales(["STORE", "SKU", "CAT", "SALES", "WEEK"]).splitlines()]
    body = [[store, sku, kind, float(amount), int(week)] for store, sku, kind, amount, week in rows[1:]]
    workbooks.xlsx(
        empty.path("data/raw/book.xlsx"),
        {"About": [["Made by", "Finance"]], "Data": [["Sales report"], [], rows[0], *body]},
    )
    done = init(empty, "--write")
    assert done.returncode == 0, done.stdout
    assert config(empty)["internal_sales"]["excel"] == {"sheet": "Data", "header_row": 3}


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        (sales(["STORE", "SKU", "CAT", "SALES", "WEEK"]).replace("Bread", "Bäckerei").encode("latin-1"), "it is not UTF-8"),
        (sales(["STORE", "SKU", "CAT", "SALES", "WEEK"]).replace("SALES", "SALES,UMSATZ", 1).replace(",2024", ",1.5,2024"), "columns.sales_value may be"),
        ("\n".join(["Report", "", *sales(["STORE", "SKU", "CAT", "SALES", "WEEK"]).splitlines()]), "header_row"),
        ("STORE,SKU,202401,202402\n" + "".join(f"{s},{k},1.5,2.5\n" for s in range(30) for k in "ab"), "are taken for weeks"),
        ("PLU,COLOUR\n1,red\n2,blue\n", "no file looks like sales"),
    ],
)  # fmt: skip
def test_what_is_unsure_is_said(empty, text, doubt) -> None:
    put(empty, sales__csv=text)
    done = init(empty)
    assert any(doubt in line for line in done.stdout.splitlines() if line.startswith(("unsure", "#", "csv"))), (
        done.stdout
    )


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (
            ["nowhere"],
            20,
            "error: init: nowhere: no such file or folder; give the raw files, or the folder that they are in",
        ),
        ([], 20, "error: init: no Parquet, CSV or Excel file at"),
        (["--force"], 2, "error: init: --force goes with --write"),
    ],
)
def test_a_bad_call_is_one_line(empty, words, code, line) -> None:
    done = init(empty, *words)
    assert (done.returncode, done.stderr.startswith(line)) == (code, True), done.stderr


def test_files_that_cannot_be_read_are_named_and_the_others_are_looked_at(empty) -> None:
    put(empty, sales__csv=sales(["STORE", "SKU", "CAT", "SALES", "WEEK"]), broken__parquet=b"PAR1 no", empty__csv="")
    done = init(empty)
    assert done.returncode == 0
    assert sum(line.startswith("not looked at: ") for line in done.stdout.splitlines()) == 2


FOUND = SHARED / "data" / "found"
# By folder the settings that `init` has to see; none where the columns are all.
GOOD: dict[str, dict[str, Any]] = {
    "amount_trailing_minus": {},
    "attributes_repeat_identically": {},
    "category_is_sku": {},
    "category_only_in_product_table": {},
    "csv_preamble": {"csv": {"header_row": 4}},
    "csv_windows_1252": {"csv": {"encoding": "cp1252", "delimiter": ";"}},
    "excel_merged_store": {"excel": {"fill_down": ["STORE"]}},
    "excel_sheet_per_period": {"excel": {"sheet": ["KW202401", "KW202402", "KW202403", "KW202404"]}},
    "excel_text_thousands": {"excel": {"thousands": "."}},
    "feature_date_levels": {},
    "feature_integer_codes": {},
    "feature_na_few_values": {},
    "feature_pandas_index": {},
    "folder_csv_and_xlsx": {},
    "sales_only": {},
    "store_key_of_two_columns": {"columns": {"store_id": ["CHAIN", "BRANCH"]}},
    "subcent_amounts": {},
    "total_store_rows": {"exclude_rows": {"STORE": ["Total"]}},
    "units_times_price": {"columns": {"sales_value": "UNITS * UNIT_PRICE"}},
    "weeks_dmy": {},
    "weeks_excel_serial": {},
    "weeks_m5_1yyww": {},
    "weeks_wwyyyy": {},
    "weeks_yyww": {},
    "wide_weeks": {"columns": {"sales_value": None, "week": None}, "week_columns": ["2024*"]},
}


@pytest.mark.parametrize("name", list(GOOD))
def test_a_folder_as_people_have_them_needs_init_alone(empty, name) -> None:
    if not FOUND.is_dir():
        pytest.skip(f"no cases at {FOUND}")
    done = init(empty, str(FOUND / name / "data"), "--write")
    assert done.returncode == 0, done.stdout
    assert "no errors, no doubts" in done.stdout
    sold = config(empty)["internal_sales"]
    columns = {"store_id": "STORE", "sku_id": "SKU", "sales_value": "SALES"} | GOOD[name].get("columns", {})
    assert {use: sold["columns"].get(use) for use in columns} == columns
    more = {key: value for key, value in GOOD[name].items() if key != "columns"}
    assert {key: sold[key] for key in sold if key not in ("path", "columns")} == more
    assert config(empty)["need_states"]["columns"]["need_state"] == "NEED"


def test_codes_and_missing_values_of_the_outside_data_are_seen(empty) -> None:
    lines = [f"{101 + n},{(10, 20, 30, 90)[n % 4]},{('NA', n)[n % 5 > 0]}" for n in range(24)]
    put(
        empty,
        sales__csv=sales(["STORE", "SKU", "CAT", "SALES", "WEEK"]),
        stores__csv="\n".join(["STORE,FORMAT,COMPETITORS", *lines]),
    )
    assert init(empty, "--write").returncode == 0
    [outside] = config(empty)["external"]
    assert (outside["categorical"], outside["csv"]) == (["FORMAT"], {"missing": ["NA"]})


def amounts(write: str, names: str = "STORE,SKU,CAT,SALES,WEEK") -> str:
    """Sales of which each amount is written in this way, of a number."""
    return "\n".join(
        [names]
        + [
            f"{store},{sku},{'Tea' if sku in 'cd' else 'Bread'},{write.format(number=5 + (store * 7 + ord(sku)) % 90 / 4)},{week}"
            for store in range(1, 13)
            for sku in "abcd"
            for week in (202401, 202402)
        ]
    )


@pytest.mark.parametrize(
    ("text", "csv"),
    [
        (amounts("{number:.2f}-"), None),
        (amounts("${number:.2f}"), {"currency": "$"}),
        (amounts("{number:.2f} EUR"), {"currency": "EUR"}),
        (amounts("CHF {number:.2f}"), {"currency": "CHF"}),
        (amounts("{number:.2f} DR").replace(" DR", " CR", 3), {"signs": {"CR": -1, "DR": 1}}),
        (amounts("{number:.2f}") + "\nTotal,,,12345.00,\n", None),
        (amounts("{number:.2f}") + "\nPrinted 2024-02-01 by Finance\n\n", {"footer_rows": 1}),
        ("Sales report\n\n" + amounts("{number:.2f}") + "\nEnd of report\n", {"header_row": 3, "footer_rows": 1}),
    ],
)  # fmt: skip
def test_marks_beside_amounts_and_lines_around_them_are_seen(empty, text, csv) -> None:
    put(empty, sales__csv=text)
    done = init(empty, "--write")
    assert done.returncode == 0, done.stdout + done.stderr
    if csv is not None:
        assert config(empty)["internal_sales"]["csv"] == csv


def test_a_dash_for_zero_is_seen(empty) -> None:
    lines = amounts("{number:.2f}").splitlines()
    lines[5] = ",".join([*lines[5].split(",")[:3], "-", "202401"])
    put(empty, sales__csv="\n".join(lines))
    assert init(empty, "--write").returncode == 0
    assert config(empty)["internal_sales"]["csv"] == {"zero": ["-"]}


WIDE = {
    "2024-W{:02}": ["2024*"],
    "{:02}.2024": None,
    "2024{:02}": ["2024*"],
    "2024-01-{:02}": ["2024*"],
    "W{} 2024": None,
}


@pytest.mark.parametrize("written", list(WIDE))
def test_columns_of_weeks_are_seen(empty, written) -> None:
    weeks = [written.format(number) for number in (1, 2, 3, 10)]
    lines = [
        f"{store},{sku},{'Tea' if sku in 'cd' else 'Bread'},{store}.5,2,{ord(sku)},1"
        for store in range(1, 13)
        for sku in "abcd"
    ]
    put(empty, sales__csv="\n".join([",".join(["STORE", "SKU", "CAT", *weeks]), *lines]))
    done = init(empty, "--write")
    assert done.returncode == 0, done.stdout + done.stderr
    named = config(empty)["internal_sales"]["week_columns"]
    assert named == (WIDE[written] or weeks) or len(named) < len(weeks)
    assert "48 rows" in done.stdout or "192 rows" in done.stdout


@pytest.mark.parametrize("sold", ["csv", "xlsx"])
def test_values_that_hold_for_the_rows_below_are_seen(empty, sold) -> None:
    rows = [line.split(",") for line in amounts("{number:.2f}").splitlines()]
    sparse = [rows[0]] + [["" if before[0] == row[0] else row[0], *row[1:]] for before, row in pairwise(rows)]
    if sold == "csv":
        put(empty, sales__csv="\n".join(",".join(row) for row in sparse))
    else:
        cells = [[cell or None for cell in row] for row in sparse]
        workbooks.xlsx(empty.path("data/raw/sales.xlsx"), {"S": cells})
    done = init(empty, "--write")
    assert done.returncode == 0, done.stdout + done.stderr
    assert config(empty)["internal_sales"][sold.replace("xlsx", "excel")]["fill_down"] == ["STORE"]
    assert "12 stores" in done.stdout


def test_year_and_week_in_two_columns_are_seen(empty) -> None:
    text = (
        amounts("{number:.2f}", "STORE,SKU,CAT,SALES,WEEK,YEAR")
        .replace(",202401", ",1,2024")
        .replace(",202402", ",2,2024")
    )
    put(empty, sales__csv=text)
    assert init(empty, "--write").returncode == 0
    assert config(empty)["internal_sales"]["columns"]["week"] == ["YEAR", "WEEK"]


def test_dates_that_leave_day_and_month_open_are_guessed_by_how_numbers_are_written_and_said(empty) -> None:
    text = amounts("{number:.2f}").replace(",202401", ",05/02/2024").replace(",202402", ",03/04/2024")
    put(empty, sales__csv=text.replace(",", ";").replace(".", ","))
    done = init(empty, "--write")
    assert done.returncode == 0, done.stdout
    assert config(empty)["internal_sales"]["week_format"] == "DMY"
    assert "unsure: sales.csv: weeks such as '05/02/2024' are taken for DMY" in done.stdout


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("Kalenderwoche", "KW 01/2024", "KW 02/2024"),
        ("Woche", "1.2024", "2.2024"),
        ("SEMAINE", "S01 2024", "S02 2024"),
        ("Week Ending", "Jan 06, 2024", "Jan 13, 2024"),
        ("ts", "2024-01-06T18:30:00+01:00", "2024-01-13T09:05:00+01:00"),
        ("timestamp", "2024-01-06 18:30:00", "2024-01-13 09:05:00"),
        ("period", "P1", "P2"),
    ],
)
def test_every_way_to_write_weeks_that_a_run_reads_is_seen(empty, name, first, second) -> None:
    text = sales(["STORE", "SKU", "CAT", "SALES", name], delimiter=";")
    put(empty, sales__csv=text.replace(";202401", f";{first}").replace(";202402", f";{second}"))
    done = init(empty, "--write")
    assert done.returncode == 0, done.stdout
    assert config(empty)["internal_sales"]["columns"]["week"] == name


@pytest.mark.parametrize(
    ("name", "first", "second", "doubt"),
    [
        ("PERIOD", "P01 FY24", "P02 FY24", "column 'PERIOD' is called like weeks, and is not read as such, with values such as 'P01 FY24'"),
        ("TILL", "a", "b", "no column looks like weeks or dates"),
    ],
)  # fmt: skip
def test_sales_without_weeks_that_are_read_are_not_passed_over(empty, name, first, second, doubt) -> None:
    text = sales(["STORE", "SKU", "CAT", "SALES", name])
    put(empty, sales__csv=text.replace(",202401", f",{first}").replace(",202402", f",{second}"))
    done = init(empty)
    assert f"unsure: sales.csv: {doubt}" in done.stdout
    assert "nothing says whether the clusters hold on other weeks" in done.stdout


def test_a_packed_file_is_looked_at_as_a_run_reads_it(empty) -> None:
    with zipfile.ZipFile(empty.path("data/raw/export.zip"), "w") as archive:
        archive.writestr("sales.csv", sales(["STORE", "SKU", "CAT", "SALES", "WEEK"]))
    done = init(empty, "--write")
    assert done.returncode == 0, done.stdout
    assert config(empty)["internal_sales"]["path"] == "data/raw/export.zip"


def test_a_file_of_no_type_that_is_read_is_named(empty) -> None:
    put(empty, sales__csv=sales(["STORE", "SKU", "CAT", "SALES", "WEEK"]), more__jsonl='{"store": 1}', _kept__json="{}")
    done = init(empty)
    unread = [line for line in done.stdout.splitlines() if line.startswith("not looked at: ")]
    assert len(unread) == 1
    assert unread[0].endswith("more.jsonl: not a known type of file; give Parquet, CSV or Excel files")
