"""The jobs by the names that a command line may give them."""

from __future__ import annotations

import re

import luigi

from pipeline.config.environment import load
from pipeline.errors import UsageError
from pipeline.run import notices
from pipeline.settings.per_category import key
from pipeline.wording import nearest


def task(job: str | None, category: str | None, env: str, tags: list[str]) -> luigi.Task:
    """The task of a job.

    Parameters
    ----------
    job : a job's or a task's name, such as `Merging`, or its old name, `merging_job`; None is everything
    category : with InternalClustering or no job: this category's clustering alone
    env : the environment
    tags : KEY=VALUE texts

    Raises
    ------
    UsageError
        There is no such job, it knows no category, or a tag is not KEY=VALUE.
    """
    from pipeline import tasks
    from pipeline.run.parameters import parse_tags

    notices.at_exit(load(env))
    known = {found.__name__: found for found in (*tasks.JOBS, tasks.Warehouse)}
    wanted = name(job) if job else "FullPipeline"
    if wanted not in known:
        raise UsageError(f"job {job!r} is unknown{nearest(wanted, list(known))}; allowed are {', '.join(known)}")
    common = {"env": env, "tag": parse_tags(tags)}
    if category is None:
        return known[wanted](**common)
    if job and wanted != "InternalClustering":
        raise UsageError(f"--category goes with InternalClustering, found {job!r}: leave the job out, or name that one")
    return tasks.ClusterCategory(category=key(category), **common)


def check_category(task: luigi.Task) -> None:
    """Refuse a category that is not in the data, as far as that can be known before anything is built.

    Raises
    ------
    RawDataError : there is no such category
    """
    from pipeline.stage.per_category import CategoryStage

    if isinstance(task, CategoryStage) and all(below.complete() for below in task.deps()):
        task.begin()


def name(job: str) -> str:
    """The task's name of a job: `merging_job` and `merging` are `Merging`."""
    if not re.fullmatch(r"[a-z_]+", job):
        return job
    return "".join(part.capitalize() for part in job.removesuffix("_job").split("_"))
