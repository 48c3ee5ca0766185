"""Hashes of files, code and libraries.

Code is hashed by its meaning: the syntax tree of a module without docstrings, comments and layout; then the modules of this
package that it imports, at any depth, except `NOT_COUNTED`; and the SQL and template files that it names.
"""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.freshness.memory import Memory, Parsed, signature
from pipeline.storage import durable

PACKAGE = Path(__file__).parent.parent
# Modules that do not affect the content of targets. Of `settings` and `schema`, the values that a stage uses are traced.
NOT_COUNTED = (
    "pipeline.alerts",
    "pipeline.cli",
    "pipeline.config",
    "pipeline.errors",
    "pipeline.freshness",
    "pipeline.inspect",
    "pipeline.run",
    "pipeline.schema",
    "pipeline.settings",
    "pipeline.stage",
    "pipeline.tasks",
    "pipeline.workbench",
)
# Modules of these packages that do: the files of a source, and the settings of a category.
COUNTED = ("pipeline.config.raw_files", "pipeline.settings.keys", "pipeline.settings.per_category")
LOADED_SUFFIXES = (".sql", ".html", ".css", ".js", ".j2")
LIBRARIES = ("duckdb", "fastexcel", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")  # the libraries that compute
RENDERING = ("jinja2", "markupsafe", "xlsxwriter")  # the libraries that write report and workbook


def version() -> str:
    """The version of the fingerprinter: the stat of this module. Remembered facts of another version do not count."""
    return repr(signature(__file__))


def content(path: Path | str) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(1 << 20))
    with open(durable.opened(path), "rb", buffering=0) as file:  # noqa: PTH123  # a descriptor
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()


def text(value: str) -> str:
    """The SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(value.encode()).hexdigest()


def code(modules: Iterable[str], memory: Memory, seen: dict[str, Module] | None = None) -> dict[str, str]:
    """The fingerprints of these modules and of everything they import and load.

    Parameters
    ----------
    modules : dotted names of modules of this package
    memory : remembered facts about files
    seen : modules that were parsed before and are not parsed again; newly parsed modules are added

    Returns
    -------
    Fingerprint by name: a dotted module name, or a file relative to the package.
    """
    parsed: dict[str, Module] = {} if seen is None else seen
    fingerprints: dict[str, str] = {}
    visited: set[str] = set()
    waiting = [package for name in modules for package in _with_parents(name)]
    while waiting:
        name = waiting.pop()
        if name in visited:
            continue
        visited.add(name)
        if name not in parsed:
            parsed[name] = _module(name, memory)
        fingerprints |= parsed[name].hashes
        waiting.extend(parsed[name].imports)
    return dict(sorted(fingerprints.items()))


class Module(NamedTuple):
    """A module: the fingerprints of itself and of the files it loads, by name, and the modules it imports; empty if there is no such module."""

    hashes: dict[str, str]
    imports: tuple[str, ...]


def _module(name: str, memory: Memory) -> Module:
    path = module_path(name)
    if path is None:
        return Module({}, ())
    parsed: Parsed = memory.module(path, _parse)
    loaded = [loaded_file for file in parsed.files for loaded_file in _loaded(path.parent, file)]
    files = {str(loaded_file.relative_to(PACKAGE)): memory.hash(loaded_file, content) for loaded_file in loaded}
    return Module({name: parsed.hash, **files}, parsed.imports)


def module_path(name: str) -> Path | None:
    """The source file of a module of this package; None if there is no such module."""
    path = os.path.join(PACKAGE, *name.split(".")[1:])  # noqa: PTH118  # called hundreds of times in a run with nothing to do
    for candidate in (f"{path}.py", os.path.join(path, "__init__.py")):  # noqa: PTH118
        if os.path.isfile(candidate):  # noqa: PTH113
            return Path(candidate)
    return None


def _loaded(folder: Path, name: str) -> list[Path]:
    """The files of this name beside a module in `folder`, or in `sql` or `templates` of its folder or of one above, within the package."""
    above = [parent for parent in (folder, *folder.parents) if parent.is_relative_to(PACKAGE)]
    candidates = [folder / name, *(parent / kind / name for parent in above for kind in ("sql", "templates"))]
    return [path for path in candidates if path.is_file()]


def _parse(path: Path) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    meaning = _Meaning(path)
    meaning.node(ast.parse(path.read_bytes(), str(path)))
    counted = tuple(sorted(name for name in meaning.imports if is_counted(name)))
    return text("\n".join(meaning.words)), counted, tuple(sorted(meaning.files))


class _Meaning:
    """The meaning of a syntax tree, read in one pass: `words`, which determine the tree except for docstrings and positions.

    `imports` are the modules that it imports, ours or not; `files` are the texts that may name a file that it loads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.words: list[str] = []
        self.imports: set[str] = set()
        self.files: set[str] = set()

    def node(self, node: ast.AST) -> None:
        """Add the kind and the fields of a node, in order; lists are in brackets, so that different trees give different words."""
        kind = type(node)
        self.words.append(kind.__name__)
        if kind in _LOOKED_AT:
            self._look_at(node)
        for name in kind._fields:
            if name in _NO_MEANING:
                continue
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                self.node(value)
            elif isinstance(value, list):
                self._list(
                    value[1:] or _EMPTY_BODY if name == "body" and kind in _DOCUMENTED and _is_text(value) else value
                )
            else:
                self.words.append(repr(value))

    def _list(self, values: list[Any]) -> None:
        self.words.append("[")
        for value in values:
            if isinstance(value, ast.AST):
                self.node(value)
            else:
                self.words.append(repr(value))
        self.words.append("]")

    def _look_at(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            self.imports.update(name for alias in node.names for name in _with_parents(alias.name))
        elif isinstance(node, ast.ImportFrom):
            package = _imported_from(node, self.path)
            self.imports.update(_with_parents(package))
            self.imports.update(f"{package}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(LOADED_SUFFIXES):
            self.files.add(node.value)


_LOOKED_AT = (ast.Import, ast.ImportFrom, ast.Constant)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_EMPTY_BODY = [ast.Pass()]
# Whether a name is read or written follows from its position; comments on types and the u of u"" do not affect the program.
_NO_MEANING = ("ctx", "type_comment", "kind")


def _is_text(body: list[ast.stmt]) -> bool:
    """Whether a body begins with a docstring."""
    first = body[0] if body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def is_counted(name: str) -> bool:
    """Whether a module of this name affects the content of targets."""
    parts = name.split(".")
    return parts[0] == "pipeline" and (".".join(parts[:2]) not in NOT_COUNTED or name in COUNTED)


def _imported_from(node: ast.ImportFrom, path: Path) -> str:
    """The package in a `from` import; dots count upwards from the module in `path`."""
    if not node.level:
        return node.module or ""
    above = ("pipeline", *path.relative_to(PACKAGE).with_suffix("").parts)[: -node.level]
    return ".".join([*above, *([node.module] if node.module else [])])


def _with_parents(name: str) -> list[str]:
    """A module and the packages it is in: importing `a.b` runs `a/__init__.py`."""
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def libraries(memory: Memory, names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """The versions of Python and of these libraries (from `LIBRARIES` and `RENDERING`), by name."""
    folders = [folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]
    installed = memory.libraries([folder for folder in folders if Path(folder).is_dir()], _installed)
    return {"python": platform.python_version(), **{name: installed[name] for name in names}}


def _installed() -> dict[str, str]:
    import importlib.metadata  # slow to import, and rarely needed

    return {name: importlib.metadata.version(name) for name in (*LIBRARIES, *RENDERING)}
