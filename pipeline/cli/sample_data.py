"""`store-clustering sample-data`: make planted raw files."""

from __future__ import annotations

import click
import msgspec

from pipeline import sample
from pipeline.cli.options import env_option
from pipeline.config import raw_files
from pipeline.config.environment import load
from pipeline.errors import UsageError
from pipeline.settings import SampleData
from pipeline.storage import locks


@click.command()
@env_option
@click.option("--stores", type=int, help="How many stores.")
@click.option("--skus", type=int, help="How many SKUs.")
@click.option("--weeks", type=int, help="How many weeks.")
@click.option("--seed", type=int, help="The seed of the random numbers.")
def sample_data(env: str, stores: int | None, skus: int | None, weeks: int | None, seed: int | None) -> None:
    """Make planted raw files to try things on.

    They are made where none of the configured ones exists, with the truth about their clusters beside them. What is not given is as `[sample_data]` says. A file that exists is never replaced: delete the old sample first.

    \b
    Example:
      store-clustering sample-data --stores 200 --skus 400 --weeks 26 --seed 7
    """
    config = load(env)
    if not config.settings.sample_data.accept:
        raise UsageError(
            f"environment {env} takes real data only (sample_data.accept is false): make sample data in another one, such as dev"
        )
    there = [path for name in raw_files.names(config) for path in raw_files.found(config, name)]
    if there:
        raise UsageError(
            f"there are raw files already, such as {there[0]}: move them away first; sample data replaces no file"
        )
    given = {"stores": stores, "skus": skus, "weeks": weeks, "seed": seed}
    wanted = msgspec.to_builtins(config.settings.sample_data) | {
        key: value for key, value in given.items() if value is not None
    }
    try:
        planted = msgspec.convert(wanted, SampleData)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at `$.")
        raise UsageError(f"--{where.rstrip('`')}: {said.replace('Expected', 'expected').replace('`', '')}") from None
    with locks.held(config.outputs / ".locks" / "sample_data", wait=False):
        for path in sample.write(msgspec.structs.replace(config.settings, sample_data=planted), config.home):
            print(path)
