"""Files, code and libraries as hashes, and the memory of them."""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from pipeline.freshness import fingerprints
from pipeline.freshness.memory import Memory, settled, signature

OLD = time.time_ns() - 3_600_000_000_000


class Counting:
    """A hash function that counts how often it reads."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self, path: Path | str) -> str:
        self.reads += 1
        return fingerprints.content(path)


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "memory" / ".memory.json")


def test_content_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    data = os.urandom(3_000_001)
    (tmp_path / "f").write_bytes(data)
    assert fingerprints.content(tmp_path / "f") == hashlib.sha256(data).hexdigest()


def test_a_file_that_was_just_written_is_read_again_each_time(memory: Memory, tmp_path: Path) -> None:
    path, compute = tmp_path / "f", Counting()
    path.write_text("x")
    memory.hash(path, compute)
    memory.hash(path, compute)
    assert compute.reads == 2


def test_a_settled_file_is_read_once_and_across_processes(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, compute = tmp_path / "f", Counting()
    path.write_text("x")
    later = time.time_ns() + 3_000_000_000
    monkeypatch.setattr("pipeline.freshness.memory.time.time_ns", lambda: later)
    first = memory.hash(path, compute)
    memory.save()
    assert Memory(memory.path).hash(path, compute) == first
    assert compute.reads == 1
    path.write_text("y")
    assert Memory(memory.path).hash(path, compute) != first


@pytest.mark.parametrize("ahead", [0, 1_999_999_999, -5_000_000_000])
def test_a_time_within_two_seconds_or_in_the_future_does_not_vouch(ahead: int) -> None:
    hashed_at = 1_000_000_000_000
    assert not settled((1, 1, 1, hashed_at - ahead, OLD), hashed_at) or ahead < 0
    assert not settled((1, 1, 1, OLD, hashed_at - ahead), hashed_at)


def test_a_file_two_seconds_older_than_its_hashing_vouches() -> None:
    assert settled((1, 1, 1, 5_000_000_000, 5_000_000_000), 7_000_000_000)
    assert not settled((1, 1, 1, 5_000_000_001, 5_000_000_000), 7_000_000_000)


def test_each_part_of_the_stat_counts(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("one")
    first = signature(path)
    os.utime(path, ns=(0, first[3]))
    assert signature(path)[3] == first[3]
    assert signature(path)[4] != first[4], "the time of the inode's change cannot be set back"
    other = tmp_path / "g"
    other.write_text("one")
    assert signature(other)[1] != first[1]


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"hashes": {"x": 3}}'])
def test_a_broken_memory_costs_time_and_nothing_else(tmp_path: Path, content: str) -> None:
    path = tmp_path / "m"
    path.write_text(content)
    (tmp_path / "f").write_text("x")
    assert Memory(path).hash(tmp_path / "f", fingerprints.content) == fingerprints.content(tmp_path / "f")


def test_a_memory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file, not a folder")
    memory = Memory(tmp_path / "folder" / "m")
    (tmp_path / "f").write_text("x")
    memory.hash(tmp_path / "f", fingerprints.content)
    memory.save()


def test_what_was_found_by_other_rules_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_text("x")
    os.utime(tmp_path / "f", ns=(OLD, OLD))
    later = time.time_ns() + 3_000_000_000
    monkeypatch.setattr("pipeline.freshness.memory.time.time_ns", lambda: later)
    first = Memory(tmp_path / "m", "some rules")
    first.module(tmp_path / "f", lambda path: ("one", (), ()))
    first.save()
    for rules, found in (("some rules", "one"), ("other rules", "two")):
        assert Memory(tmp_path / "m", rules).module(tmp_path / "f", lambda path: ("two", (), ())).hash == found


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package in place of ours."""
    monkeypatch.setattr(fingerprints, "PACKAGE", tmp_path)
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text('"""Core."""\n')
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "sql").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("")
    (tmp_path / "core" / "used.py").write_text("def f(x):\n    return x + 1\n")
    (tmp_path / "core" / "unused.py").write_text("def g(x):\n    return x\n")
    (tmp_path / "core" / "main.py").write_text(
        '"""Says something."""\n\ndef h(x):\n    """Says more."""\n    from pipeline.core.used import f\n    return f(x)\n'
    )
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "engine" / "read.py").write_text('from ..core import main\nQUERY = "split.sql"\n')
    (tmp_path / "engine" / "sql" / "split.sql").write_text("SELECT 1")
    return tmp_path


def code(memory: Memory, *modules: str) -> dict[str, str]:
    return fingerprints.code(modules, memory)


def test_a_module_counts_with_all_it_imports_inside_functions_too(package: Path, memory: Memory) -> None:
    inside = {"pipeline", "pipeline.core", "pipeline.core.main", "pipeline.core.used"}
    assert set(code(memory, "pipeline.core.main")) == inside
    assert set(code(memory, "pipeline.engine.read")) == {
        "pipeline",
        "pipeline.core",
        "pipeline.core.main",
        "pipeline.core.used",
        "pipeline.engine",
        "pipeline.engine.read",
        "engine/sql/split.sql",
    }


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\ndef f(x):\n    return x + 1\n",
        "def f(x):\n\n    return (x +\n            1)\n",
        '"""A docstring."""\ndef f(x):\n    """Another."""\n    return x + 1\n',
    ],
)
def test_comments_docstrings_and_layout_mean_nothing(package: Path, memory: Memory, text: str) -> None:
    before = code(memory, "pipeline.core.main")
    (package / "core" / "used.py").write_text(text)
    assert code(memory, "pipeline.core.main") == before


def test_an_edit_of_what_is_imported_means_something_and_of_the_rest_nothing(package: Path, memory: Memory) -> None:
    before = code(memory, "pipeline.core.main")
    (package / "core" / "unused.py").write_text("def g(x):\n    return 2 * x\n")
    assert code(memory, "pipeline.core.main") == before
    (package / "core" / "used.py").write_text("def f(x):\n    return x + 2\n")
    after = code(memory, "pipeline.core.main")
    assert {name for name in after if after[name] != before[name]} == {"pipeline.core.used"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("global a", "global b"),
        ("d = {**a, 'b': c}", "d = {None: a, 'b': c}"),
        ("def f(*, a, b=1): ...", "def f(*, a=1, b): ..."),
        ("match x:\n    case A(b=1): ...", "match x:\n    case A(c=1): ..."),
        ("f([a], b)", "f([a, b])"),
        ("if a:\n    b\n    c", "if a:\n    b\nc"),
        ("import a, b", "import a\nimport b"),
        ("x = 1", "x = 1.0"),
        ("x = 'a'", "x = b'a'"),
        ("async def f(): ...", "def f(): ..."),
        ("x: int = 1", "x = 1"),
        ("from . import a", "from .. import a"),
    ],
)
def test_what_means_something_else_has_another_fingerprint(package: Path, memory: Memory, one: str, other: str) -> None:
    found = []
    for text in (one, other):
        (package / "core" / "used.py").write_text(text)
        found.append(code(memory, "pipeline.core.main")["pipeline.core.used"])
    assert found[0] != found[1]


def test_modules_that_do_not_decide_what_a_target_holds_do_not_count(package: Path, memory: Memory) -> None:
    (package / "settings.py").write_text("from pipeline.engine import read\n")
    (package / "core" / "used.py").write_text("import pipeline.settings\nfrom .. import config\n")
    assert set(code(memory, "pipeline.core.used")) == {"pipeline", "pipeline.core", "pipeline.core.used"}


def test_a_sql_file_counts_for_who_loads_it(package: Path, memory: Memory) -> None:
    before = code(memory, "pipeline.engine.read")
    (package / "engine" / "sql" / "split.sql").write_text("SELECT 2")
    after = code(memory, "pipeline.engine.read")
    assert {name for name in after if after[name] != before[name]} == {"engine/sql/split.sql"}
    assert "engine/sql/split.sql" not in code(memory, "pipeline.core.main")


def test_a_text_that_is_no_docstring_counts(package: Path, memory: Memory) -> None:
    (package / "core" / "used.py").write_text('NAME = "a"\n')
    before = code(memory, "pipeline.core.used")
    (package / "core" / "used.py").write_text('NAME = "b"\n')
    assert code(memory, "pipeline.core.used") != before


def test_libraries_are_those_installed_and_python(memory: Memory) -> None:
    found = fingerprints.libraries(memory)
    assert found["python"] == platform.python_version()
    assert found["pandas"] == version("pandas")
    assert set(found) == {"python", *fingerprints.LIBRARIES}


def test_library_versions_are_read_again_when_a_folder_of_packages_changed(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder)])
    later = time.time_ns() + 3_000_000_000
    monkeypatch.setattr("pipeline.freshness.memory.time.time_ns", lambda: later)
    versions = iter(({"pandas": "1"}, {"pandas": "2"}, {"pandas": "3"}))
    monkeypatch.setattr(fingerprints, "_installed", lambda: next(versions))
    assert fingerprints.libraries(memory, ["pandas"])["pandas"] == "1"
    assert fingerprints.libraries(memory, ["pandas"])["pandas"] == "1"
    (folder / "pandas-2.dist-info").mkdir()
    assert fingerprints.libraries(memory, ["pandas"])["pandas"] == "2"


def test_folders_that_hold_no_packages_and_those_that_are_not_there_are_not_looked_at(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(Memory, "libraries", lambda self, folders, read: looked.extend(folders) or read())
    monkeypatch.setattr(fingerprints, "_installed", lambda: {"pandas": "1"})
    folders = [tmp_path / name for name in ("dist-packages", "site-packages", "other")]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setattr(sys, "path", [*map(str, folders), str(tmp_path / "gone" / "site-packages")])
    found = fingerprints.libraries(memory, ["pandas"])
    assert looked == [str(folder) for folder in folders[:2]]
    assert found == {"python": platform.python_version(), "pandas": "1"}


@pytest.mark.parametrize(
    "name",
    ["alerts", "cli", "config", "errors", "freshness", "inspect", "run", "schema", "settings", "stage", "tasks"],
)
def test_what_does_not_decide_what_a_target_holds_does_not_count_nor_what_is_in_it(name: str) -> None:
    assert not fingerprints.is_counted(f"pipeline.{name}")
    assert not fingerprints.is_counted(f"pipeline.{name}.part")
    assert fingerprints.is_counted(f"pipeline.{name}_of_another")
    assert fingerprints.is_counted(f"pipeline.core.{name}")


def test_other_packages_do_not_count() -> None:
    assert fingerprints.is_counted("pipeline")
    assert not fingerprints.is_counted("pandas.core")
    assert not fingerprints.is_counted("pipelines")


@pytest.mark.parametrize("name", ["a.sql", "a.html", "a.css", "a.js", "a.j2"])
@pytest.mark.parametrize("folder", ["", "sql", "templates"])
def test_a_file_that_a_module_names_counts_beside_it_in_sql_and_in_templates(
    package: Path, memory: Memory, name: str, folder: str
) -> None:
    (package / "core" / "used.py").write_text(f"NAME = {name!r}\n")
    assert f"core/{name}" not in code(memory, "pipeline.core.used"), "there is none"
    file = package / "core" / folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("one")
    found = code(memory, "pipeline.core.used")
    assert found[str(file.relative_to(package))] == hashlib.sha256(b"one").hexdigest()
    (package / "core" / "unused.py").write_text(f'"""No {name}."""\nNAME = "{name}.txt"\n')
    assert set(code(memory, "pipeline.core.unused")) == {"pipeline", "pipeline.core", "pipeline.core.unused"}


@pytest.mark.parametrize(
    ("module", "text", "imported"),
    [
        ("core/used.py", "from . import unused", "pipeline.core.unused"),
        ("core/used.py", "from .unused import g", "pipeline.core.unused"),
        ("core/used.py", "from .. import engine", "pipeline.engine"),
        ("core/used.py", "from ..engine.read import QUERY", "pipeline.engine.read"),
        ("core/used.py", "import pipeline.engine.read as r", "pipeline.engine.read"),
        ("core/used.py", "import pandas, pipeline.core.unused", "pipeline.core.unused"),
        ("core/used.py", "from pipeline.core import unused", "pipeline.core.unused"),
        ("core/__init__.py", "from .unused import g", "pipeline.core.unused"),
    ],
)
def test_however_a_module_is_imported_it_counts_with_the_packages_it_is_in(
    package: Path, memory: Memory, module: str, text: str, imported: str
) -> None:
    (package / module).write_text(f"{text}\n")
    found = set(code(memory, "pipeline.core.used"))
    parts = imported.split(".")
    assert {".".join(parts[: end + 1]) for end in range(len(parts))} <= found
    assert not any(name.startswith("pandas") for name in found)


def test_what_is_listed_is_in_order_and_unknown_modules_are_none(package: Path, memory: Memory) -> None:
    found = code(memory, "pipeline.engine.read", "pipeline.nowhere", "pipeline.core.unused")
    assert list(found) == sorted(found)
    assert "pipeline.nowhere" not in found


@pytest.mark.parametrize("kind", ["def f(x):", "async def f(x):", "class F:"])
def test_a_docstring_alone_is_as_good_as_pass(package: Path, memory: Memory, kind: str) -> None:
    used = package / "core" / "used.py"
    found = []
    for body in ('"""Says something."""', '"""Says more."""', "pass", "'a', 'tuple'", "1"):
        used.write_text(f"{kind}\n    {body}\n")
        found.append(code(memory, "pipeline.core.used")["pipeline.core.used"])
    assert found[0] == found[1] == found[2]
    assert len(set(found)) == 3


def test_a_text_that_stands_alone_after_the_first_statement_counts(package: Path, memory: Memory) -> None:
    used = package / "core" / "used.py"
    used.write_text('X = 1\n"one"\n')
    before = code(memory, "pipeline.core.used")
    used.write_text('X = 1\n"two"\n')
    assert code(memory, "pipeline.core.used") != before


def test_the_rules_are_the_stat_of_the_module_that_makes_them() -> None:
    assert fingerprints.version() == repr(signature(fingerprints.__file__))
    assert fingerprints.text("x") == hashlib.sha256(b"x").hexdigest()
    assert (
        fingerprints.content(fingerprints.__file__)
        == hashlib.sha256(Path(fingerprints.__file__).read_bytes()).hexdigest()
    )


def test_two_modules_have_one_fingerprint_only_where_their_trees_are_equal(package: Path, memory: Memory) -> None:
    texts = [
        *("f(a, b)", "f(a)(b)", "f((a, b))", "f([a], [b])", "f([a, b], [])", "f(a, *b)", "f(a, **b)", "f(a, b=b)", "f(\n a,\n b)"),
        *("x = 1", "x = 1.0", "x = True", "x = '1'", "x = b'1'", "x = None", "x = 'None'", "x = -1", "x = ...", "x = 1j"),
        *("x = 'a\\n]'", "x = 'a', ']'", "x = f'a{b}'", "x = f'a{b!r}'", "x = f'a{b:c}'", "x = u'1'", "(x) = (1)"),
        *("import a.b", "import a.b as c", "from a import b", "from .a import b", "from a import b as c", "global a, b"),
        *("def f(a, b=1): pass", "def f(a, *, b=1): pass", "def f(a, /, b=1): pass", "async def f(a, b=1): pass"),
        *("def f(a: b): pass", "def f(a) -> b: pass", "@b\ndef f(a): pass", "class f(a): pass", "class f(a): b = 1"),
        *("if a: b\nelse: c", "if a:\n b\n c", "if a: b\nc", "{**a, b: c}", "{a: b, **c}", "{a, b}", "a < b < c", "a < (b < c)"),
        *("del a", "a", "a = b", "a += b", "a: b", "a: b = c", "(a): b", "x = [a for b in c if d]", "x = (a for b in c if d)"),
    ]  # fmt: skip
    by_tree: dict[str, set[str]] = {}
    for text in texts:
        (package / "core" / "used.py").write_text(text)
        found = code(memory, "pipeline.core.used")["pipeline.core.used"]
        by_tree.setdefault(ast.dump(ast.parse(text)).replace(", kind='u'", ""), set()).add(found)
    assert all(len(of_tree) == 1 for of_tree in by_tree.values())
    assert len(set.union(*by_tree.values())) == len(by_tree) == len(texts) - 3
