"""Mutants of a package: one small fault at a time, and whether a test fails for it.

uv run python tests/proofs/mutants.py [--package pipeline/core] [--every N] [--minutes M] [--only WORDS] [--reliability FOLDER]

A process that has imported the libraries forks for every mutant, and runs tests there until the first one fails: of
`pipeline/freshness` all of `tests/freshness`, its module's own tests first; of another package those of its tests that call the
function with the fault - of what stands outside functions, those that call anything in the module - the quickest first. Which
these are is seen once, without any fault. No file is changed: the mutated module takes the place of the real one as it is
imported. Tools that do this for any project copy the project and start an interpreter per mutant, which takes our tests an hour.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.util
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

import reliability

ROOT = Path(__file__).parents[2]
SECONDS = (
    120  # more than that and four times what the tests take without a fault, and the mutant hangs: that is seen, too
)
PREPARED = ("luigi", "numpy", "pandas", "pyarrow.parquet", "pytest", "tomli_w")
COMPUTING = (
    "hypothesis",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.cluster",
    "sklearn.ensemble",
    "sklearn.metrics",
    "sklearn.tree",
)
SAMPLED = {"pipeline/core": 0.6}  # the share that has to be killed
SECTIONS = {"pipeline/freshness": reliability.MUTANTS, "pipeline/core": reliability.CORE_MUTANTS}

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
    """A module with a fault, in this function of it (`module`: outside of all); `what` says where and which.

    `tree` makes the module: thousands of them at once take gigabytes.
    """

    module: str
    function: str
    what: str
    tree: Callable[[], ast.Module]


@dataclass(frozen=True)
class Tests:
    """The files of a package's tests; where they are told apart: by test the seconds it takes, and what it calls."""

    files: list[str]
    seconds: dict[str, float]
    calls: dict[str, set[tuple[str, str]]]

    def of(self, mutant: Mutant | None) -> list[str]:
        """What to run for a mutant, in order; for none, everything."""
        if mutant is None:
            return self.files
        if not self.calls:
            own = f"test_{mutant.module.rpartition('.')[2]}.py"
            return sorted(self.files, key=lambda file: (Path(file).name != own, file))
        in_module = {
            test: {name for module, name in called if module == mutant.module} for test, called in self.calls.items()
        }
        calling = [test for test, names in in_module.items() if mutant.function in names]
        reached = calling or [test for test, names in in_module.items() if names]
        return sorted(reached, key=lambda test: self.seconds[test])

    def limit(self, chosen: list[str]) -> int:
        """The seconds after which these hang."""
        return SECONDS + int(4 * sum(self.seconds.get(test, 0.0) for test in chosen))


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
    module = module_of(path)
    tree = ast.parse(path.read_bytes())
    for node, field, position, within in places(tree, ""):
        old = getattr(node, field) if position is None else getattr(node, field)[position]
        for new in (*expressions(old), *statements(old)):
            if ast.dump(new) == ast.dump(old):
                continue
            mutated = partial(put, tree, node, field, position, new)
            yield Mutant(module, within, f"{within}: {said(old)} -> {said(new)}", mutated)


def module_of(path: Path) -> str:
    """The dotted name of a module's file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


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
        return compile(self.mutant.tree(), self.path, "exec")


class Called:
    """A plugin of pytest that sees which functions of a package each test calls, and how long it takes."""

    def __init__(self, package: Path) -> None:
        self.package = f"{package}{os.sep}"
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, list[tuple[str, str]]] = {}

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> None:
        """Begin anew with every test, its fixtures included."""
        seen: set[CodeType] = set()
        self.now = (item.nodeid, seen, time.perf_counter())
        sys.setprofile(lambda frame, event, _: seen.add(frame.f_code) if event == "call" else None)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Keep what was seen."""
        sys.setprofile(None)
        name, seen, began = self.now
        self.seconds[name] = time.perf_counter() - began
        self.calls[name] = [
            (module_of(Path(code.co_filename)), ".".join(re.findall(r"(?<![<\w])\w+", code.co_qualname)))
            for code in seen
            if code.co_filename.startswith(self.package)
        ]


def run_tests(words: list[str], folder: Path, plugins: list[object]) -> int:
    """Run tests in this process, quietly; the exit code."""
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(quiet, stream)
    import pytest

    if "hypothesis" in sys.modules:
        from hypothesis import Phase, settings

        found_at_once = [Phase.explicit, Phase.generate]
        settings.register_profile("mutants", database=None, derandomize=True, deadline=None, phases=found_at_once)
        settings.load_profile("mutants")
    options = ["-x", "-q", f"--basetemp={folder / str(os.getpid())}", "-o", "addopts=--import-mode=importlib"]
    options += ["-m", "not nightly", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    without = [f"-pno:{plugin}" for plugin in ("cacheprovider", "cov", "hypothesispytest", "xdist", "xdist.looponfail")]
    return int(pytest.main([*options, *without, *words], plugins=plugins))


def tests_of(package: Path, folder: Path) -> Tests:
    """The tests of a package, which all pass; told apart where the package is not `pipeline/freshness`.

    What runs in other processes than the tests' own, as in those of freshness, is called by none of them.
    """
    tests = ROOT / "tests" / package.name
    files = sorted(str(path.relative_to(ROOT)) for path in tests.rglob("test_*.py"))
    told = folder / "called.json"
    child = os.fork()
    if not child:
        called = Called(package)
        code = run_tests(files, folder, [] if package.name == "freshness" else [called])
        told.write_text(json.dumps([called.seconds, called.calls]))
        os._exit(code)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("the tests fail without any mutant")
    seconds, calls = json.loads(told.read_text())
    return Tests(files, seconds, {test: {(module, name) for module, name in found} for test, found in calls.items()})


def survives(mutant: Mutant | None, tests: Tests, folder: Path) -> bool:
    """Whether all tests that could see it pass in a process that has this mutant."""
    chosen = tests.of(mutant)
    if not chosen:
        return True
    child = os.fork()
    if child:
        passed = os.waitpid(child, 0)[1] == 0
        shutil.rmtree(folder / str(child), ignore_errors=True)
        return passed
    os.setsid()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(tests.limit(chosen))
    if mutant is not None:
        sys.meta_path.insert(0, Instead(mutant))
    os._exit(run_tests(chosen, folder, []))


def named(made: Iterable[Mutant], package: str) -> dict[str, Mutant]:
    """Every mutant by its module and what it is; the second of that name, and further ones, with their number."""
    every: dict[str, Mutant] = {}
    alike: Counter[str] = Counter()
    for mutant in made:
        name = f"{mutant.module.removeprefix(f'{package}.').removeprefix('pipeline.')}: {mutant.what}"
        alike[name] += 1
        every[f"{name} (#{alike[name]})" if alike[name] > 1 else name] = mutant
    return every


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", choices=list(SECTIONS), default="pipeline/freshness")
    parser.add_argument("--reliability", metavar="FOLDER", type=Path)
    parser.add_argument("--only", metavar="WORDS", default="", help="mutants whose description has these words")
    parser.add_argument("--every", metavar="N", type=int, default=1, help="a sample: one mutant of N")
    parser.add_argument("--minutes", metavar="M", type=float, default=None, help="begin no mutant after so many")
    given = parser.parse_args()
    os.chdir(ROOT)
    began = time.monotonic()
    package = ROOT / given.package
    for name in PREPARED + (() if package.name == "freshness" else COMPUTING):
        importlib.import_module(name)
    judged = reliability.judgements()
    folder = Path(tempfile.mkdtemp())
    tests = tests_of(package, folder)
    print(f"the tests pass without a mutant, in {time.monotonic() - began:.0f} s", flush=True)
    paths = sorted(package.rglob("*.py"))
    every = named((mutant for path in paths for mutant in mutants(path)), given.package.replace("/", "."))
    chosen = [name for name in every if given.only in name][:: given.every]
    random.Random(0).shuffle(chosen)  # so that those tried within the time are a sample of all
    unchanged = next(path for path in reversed(paths) if path.name != "__init__.py")
    if not survives(
        Mutant(module_of(unchanged), "module", "", lambda: ast.parse(unchanged.read_bytes())), tests, folder
    ):
        sys.exit("the tests fail for a module that is put in place unchanged")
    tried, left = [], []
    for name in chosen:
        if given.minutes is not None and time.monotonic() - began > 60 * given.minutes:
            break
        tried.append(name)
        if survives(every[name], tests, folder):
            left.append(name)
            print(f"{name} | {judged.get(name, 'NOT JUDGED')}", flush=True)
    shutil.rmtree(folder)
    killed = len(tried) - len(left)
    print(f"{len(tried)} mutants of {len(every)}, {killed} killed ({killed / max(len(tried), 1):.1%})")
    if given.reliability:
        told = [
            {"proof": given.package, "counts": {"made": len(every), "tried": len(tried), "killed": killed}},
            *({"row": {"survivor": f"`{name}`", "judgement": judged.get(name, "not judged")}} for name in left),
        ]
        for number, one in enumerate(told):
            name = f"mutants of {given.package} {number}"
            reliability.keep(given.reliability, name, {"section": SECTIONS[given.package], **one})
    if given.package in SAMPLED:  # nobody reads each of thousands
        return 1 if killed < SAMPLED[given.package] * len(tried) else 0
    return 1 if set(left) - set(judged) or killed < 0.9 * len(tried) else 0


if __name__ == "__main__":
    sys.exit(main())
