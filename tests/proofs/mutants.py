"""Mutants of `pipeline/freshness/`: one small fault at a time, and whether a test fails for it.

uv run python tests/proofs/mutants.py [--reliability FOLDER] [--only WORDS]

A process that has imported the libraries forks for every mutant, and runs the tests of `tests/freshness` there until the first one fails.
No file is changed: the mutated module takes the place of the real one as it is imported. Tools that do this for any project
copy the project and start an interpreter per mutant, which takes our tests an hour.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

import reliability

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pipeline" / "freshness"
TESTS = ROOT / "tests" / "freshness"
JUDGED = Path(__file__).with_name("survivors.toml")
SECONDS = 120  # more than that, and the mutant hangs: that is seen, too
PREPARED = ("luigi", "numpy", "pandas", "pyarrow.parquet", "pytest", "tomli_w")

OTHER_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OTHER_OPERATOR: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
}


@dataclass(frozen=True)
class Mutant:
    """A module with a fault; `what` says where and which."""

    module: str
    what: str
    tree: ast.Module


def expressions(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in place of an expression."""
    if isinstance(node, ast.Compare):
        for position, operator in enumerate(node.ops):
            other = copy.deepcopy(node)
            other.ops[position] = OTHER_COMPARISON[type(operator)]()
            yield other
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in OTHER_OPERATOR:
        yield ast.BinOp(node.left, OTHER_OPERATOR[type(node.op)](), node.right)
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.Constant):
        yield from constants(node.value)


def constants(value: object) -> Iterator[ast.Constant]:
    """Another constant."""
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, str):
        yield ast.Constant(f"{value}?")


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in place of a statement."""
    attribute = isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name)
    if attribute or isinstance(node, ast.Expr | ast.Raise | ast.AugAssign | ast.Continue):
        yield ast.Pass()
    elif isinstance(node, ast.If | ast.While):
        yield type(node)(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(ast.Constant(None))


def is_told(node: ast.AST) -> bool:
    """Whether this is a docstring, an annotation's text, or a class that only says what another has to look like."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of a module."""
    module = f"pipeline.freshness.{path.stem}".removesuffix(".__init__")
    tree = ast.parse(path.read_bytes())
    for node, field, position, within in places(tree, ""):
        old = getattr(node, field) if position is None else getattr(node, field)[position]
        for new in (*expressions(old), *statements(old)):
            if ast.dump(new) == ast.dump(old):
                continue
            mutated = put(tree, node, field, position, new)
            yield Mutant(module, f"{within}: {said(old)} -> {said(new)}", mutated)


def places(node: ast.AST, within: str) -> Iterator[tuple[ast.AST, str, int | None, str]]:
    """Every place below a node that may be mutated: the node above, the field, the position in it, and the function."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        if any(isinstance(base, ast.Name) and base.id == "Protocol" for base in getattr(node, "bases", ())):
            return
        within = f"{within}.{node.name}".lstrip(".")
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        for position, below in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(below, ast.AST) and not is_told(below):
                yield node, field, position, within or "module"
                yield from places(below, within)


def put(tree: ast.Module, node: ast.AST, field: str, position: int | None, new: ast.AST) -> ast.Module:
    """A copy of the tree with another node in this place."""
    kept = getattr(node, field)
    changed: Any = new if position is None else [*kept[:position], new, *kept[position + 1 :]]
    setattr(node, field, changed)
    mutated = copy.deepcopy(tree)
    setattr(node, field, kept)
    return ast.fix_missing_locations(mutated)


def said(node: ast.AST) -> str:
    """A node in a line."""
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).splitlines()[0][:110]


class Instead(MetaPathFinder, SourceFileLoader):
    """Gives the mutated module where the real one is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        origin = importlib.util.find_spec("pipeline")
        assert origin is not None
        assert origin.origin is not None
        file = Path(origin.origin).parent.joinpath(*mutant.module.split(".")[1:])
        path = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        super().__init__(mutant.module, str(path))

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Ours, for this module."""
        if name != self.mutant.module:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, _fullname: str) -> CodeType:
        """The mutant's."""
        return compile(self.mutant.tree, self.path, "exec")


def survives(mutant: Mutant | None, folder: Path) -> bool:
    """Whether all tests pass in a process that has this mutant."""
    child = os.fork()
    if child:
        passed = os.waitpid(child, 0)[1] == 0
        shutil.rmtree(folder / str(child), ignore_errors=True)
        return passed
    os.setsid()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS)
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(quiet, stream)
    if mutant is not None:
        sys.meta_path.insert(0, Instead(mutant))
    import pytest

    words = ["-x", "-q", f"--basetemp={folder / str(os.getpid())}", "-o", "addopts=--import-mode=importlib"]
    without = [f"-pno:{plugin}" for plugin in ("cacheprovider", "cov", "hypothesispytest", "xdist", "xdist.looponfail")]
    own = f"test_{mutant.module.rpartition('.')[2]}.py" if mutant else ""
    files = sorted(TESTS.glob("test_*.py"), key=lambda path: (path.name != own, path.name))  # its own tests first
    os._exit(int(pytest.main([*words, *without, *map(str, files)])))


def named(made: Iterable[Mutant]) -> dict[str, Mutant]:
    """Every mutant by its module and what it is; the second of that name, and further ones, with their number."""
    every: dict[str, Mutant] = {}
    for mutant in made:
        name = f"{mutant.module.rpartition('.')[2]}: {mutant.what}"
        alike = sum(1 for other in every if other.partition(" (#")[0] == name)
        every[f"{name} (#{alike + 1})" if alike else name] = mutant
    return every


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reliability", metavar="FOLDER", type=Path)
    parser.add_argument("--only", metavar="WORDS", default="", help="mutants whose description has these words")
    parser.add_argument("--every", metavar="N", type=int, default=1, help="a sample: one mutant of N")
    given = parser.parse_args()
    os.chdir(ROOT)
    for name in PREPARED:
        importlib.import_module(name)
    judged = {one["mutant"]: one["judgement"] for one in tomllib.loads(JUDGED.read_text())["survivor"]}
    folder = Path(tempfile.mkdtemp())
    if not survives(None, folder):
        sys.exit("the tests fail without any mutant")
    every = named(mutant for path in sorted(PACKAGE.glob("*.py")) for mutant in mutants(path))
    chosen = {name: mutant for name, mutant in every.items() if given.only in name}
    chosen = dict(list(chosen.items())[:: given.every])
    if not survives(Mutant("pipeline.freshness.traces", "", ast.parse((PACKAGE / "traces.py").read_bytes())), folder):
        sys.exit("the tests fail for a module that is put in place unchanged")
    tried, left = len(chosen), []
    for name, mutant in chosen.items():
        if survives(mutant, folder):
            left.append(name)
            print(f"{name} | {judged.get(name, 'NOT JUDGED')}", flush=True)
    print(f"{tried} mutants, {tried - len(left)} killed ({(tried - len(left)) / max(tried, 1):.1%})")
    if given.reliability:
        told = [
            {"proof": "mutants", "counts": {"made": len(every), "tried": tried, "killed": tried - len(left)}},
            *({"row": {"survivor": f"`{name}`", "judgement": judged.get(name, "not judged")}} for name in left),
        ]
        for number, one in enumerate(told):
            reliability.keep(given.reliability, f"mutants {number}", {"section": reliability.MUTANTS, **one})
    unknown = [name for name in left if name not in judged]
    return 1 if unknown or (tried - len(left)) < 0.9 * tried else 0


if __name__ == "__main__":
    sys.exit(main())
