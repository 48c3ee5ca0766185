"""`store-clustering sample-data`: create planted raw files."""

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
    """Create planted raw files to try the pipeline on.

    This works only if no configured raw file exists: no file is ever replaced, so delete an old sample first. The true clusters are
    written beside the files. Options that are not given come from `[sample_data]`.

    \b
    Example:
      store-clustering sample-data --stores 200 --skus 400 --weeks 26 --seed 7
    """
    config = load(env)
    if not config.settings.sample_data.accept:
        raise UsageError(
            f"environment {env} takes real data only (sample_data.accept is false); create sample data in another environment, such as dev"
        )
    existing = [path for name in raw_files.names(config) for path in raw_files.existing(config, name)]
    if existing:
        raise UsageError(
            f"raw files exist already, such as {existing[0]}; move them away first: sample data never replaces a file"
        )
    given = {"stores": stores, "skus": skus, "weeks": weeks, "seed": seed}
    wanted = msgspec.to_builtins(config.settings.sample_data) | {
        key: value for key, value in given.items() if value is not None
    }
    try:
        planted = msgspec.convert(wanted, SampleData)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$.")
        raise UsageError(f"--{where.rstrip('`')}: {message.replace('Expected', 'expected').replace('`', '')}") from None
    with locks.held(config.outputs / ".locks" / "sample_data", wait=False):
        for path in sample.write(msgspec.structs.replace(config.settings, sample_data=planted), config.home):
            print(path)
