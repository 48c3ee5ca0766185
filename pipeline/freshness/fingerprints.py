"""Files, code and libraries as hashes.

Code counts by its meaning: a module is its syntax tree without docstrings, comments and layout, and with it the modules
of this package that it imports, at any depth, but for `NOT_COUNTED`, and the SQL and template files that it names.
"""

from __future__ import annotations

import ast
import hashlib
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

from pipeline.freshness.memory import Memory, Parsed, signature

PACKAGE = Path(__file__).parent.parent
# Modules that do not decide what a target holds. Of `settings` and `schema` the values count that a stage uses.
NOT_COUNTED = (
    "pipeline.alerts",
    "pipeline.cli",
    "pipeline.config",
    "pipeline.config_faults",
    "pipeline.errors",
    "pipeline.freshness",
    "pipeline.schema",
    "pipeline.settings",
    "pipeline.stage",
    "pipeline.tasks",
)
LOADED_SUFFIXES = (".sql", ".html", ".css", ".js", ".j2")
LIBRARIES = ("duckdb", "fastexcel", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")  # those that compute
RENDERING = ("jinja2", "markupsafe", "xlsxwriter")  # those that report and workbook are written with, and nothing else


def rules() -> str:
    """Which rules facts about files are found by: the stat of this module."""
    return repr(signature(__file__))


def content(path: Path | str) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(1 << 20))
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # `path` may be a string
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()


def text(value: str) -> str:
    """The SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(value.encode()).hexdigest()


def code(modules: Iterable[str], memory: Memory) -> dict[str, str]:
    """The fingerprints of these modules and of what they import and load.

    Parameters
    ----------
    modules : dotted names of modules of this package
    memory : what is remembered of files

    Returns
    -------
    Fingerprint by name: a dotted module name, or a file relative to the package.
    """
    found: dict[str, str] = {}
    waiting = [package for name in modules for package in _with_parents(name)]
    while waiting:
        name = waiting.pop()
        path = module_path(name)
        if path is None or name in found:
            continue
        parsed: Parsed = memory.module(path, _parse)
        found[name] = parsed.hash
        waiting.extend(parsed.imports)
        for file in parsed.files:
            for loaded in _loaded(path.parent, file):
                found[str(loaded.relative_to(PACKAGE))] = memory.hash(loaded, content)
    return dict(sorted(found.items()))


def module_path(name: str) -> Path | None:
    """The source file of a module of this package, None where there is none of that name."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _loaded(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder / name, folder / "sql" / name, folder / "templates" / name) if path.is_file()]


def _parse(path: Path) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    tree = ast.parse(path.read_bytes(), str(path))
    imports: set[str] = set()
    files: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.update(name for alias in node.names for name in _with_parents(alias.name))
        elif isinstance(node, ast.ImportFrom):
            package = _imported_from(node, path)
            imports.update(_with_parents(package))
            imports.update(f"{package}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(LOADED_SUFFIXES):
            files.add(node.value)
        _drop_docstring(node)
    counted = tuple(sorted(name for name in imports if is_counted(name)))
    return text(ast.dump(tree, annotate_fields=False)), counted, tuple(sorted(files))


def is_counted(name: str) -> bool:
    """Whether a module of this name is code that decides what a target holds."""
    parts = name.split(".")
    return parts[0] == "pipeline" and ".".join(parts[:2]) not in NOT_COUNTED


def _imported_from(node: ast.ImportFrom, path: Path) -> str:
    """The package that a `from` names; dots count upwards from the module in `path`."""
    if not node.level:
        return node.module or ""
    above = ("pipeline", *path.relative_to(PACKAGE).with_suffix("").parts)[: -node.level]
    return ".".join([*above, *([node.module] if node.module else [])])


def _with_parents(name: str) -> list[str]:
    """A module and the packages it is in: importing `a.b` runs `a/__init__.py`."""
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _drop_docstring(node: ast.AST) -> None:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:] or [ast.Pass()]


def libraries(memory: Memory, names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """The versions of Python and of these libraries, by name; any of `LIBRARIES` and `RENDERING`."""
    folders = [folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]
    installed = memory.libraries([folder for folder in folders if Path(folder).is_dir()], _installed)
    return {"python": platform.python_version(), **{name: installed[name] for name in names}}


def _installed() -> dict[str, str]:
    import importlib.metadata  # takes longer than all of this module, and is rarely asked

    return {name: importlib.metadata.version(name) for name in (*LIBRARIES, *RENDERING)}
