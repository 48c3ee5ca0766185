"""How the tests are spread: the whole suite over all cores, named tests in one process, and never a worker of a worker."""

from __future__ import annotations

from types import SimpleNamespace

import conftest
import pytest

Source = pytest.Config.ArgsSource


@pytest.mark.parametrize(
    ("source", "given", "attributes", "workers"),
    [
        (Source.TESTPATHS, None, {}, "auto"),
        (Source.TESTPATHS, 0, {}, 0),
        (Source.ARGS, None, {}, None),
        (Source.TESTPATHS, None, {"workerinput": {}}, None),
    ],
    ids=["the whole suite", "the whole suite with -n 0", "named tests", "a worker"],
)
def test_only_the_whole_suite_is_spread_and_only_by_the_leading_process(
    source: pytest.Config.ArgsSource, given: int | None, attributes: dict[str, object], workers: object
) -> None:
    option = SimpleNamespace(numprocesses=given, dist="no")
    config = SimpleNamespace(
        args_source=source, option=option, getoption=lambda name, default: getattr(option, name, default), **attributes
    )
    conftest.pytest_cmdline_main(config)  # type: ignore[arg-type]
    assert option.numprocesses == workers
