"""The jobs, by the names a command line may use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.config.environment import load
from pipeline.errors import UsageError
from pipeline.run import notices
from pipeline.settings.keys import normal
from pipeline.wording import nearest

if TYPE_CHECKING:
    from pipeline.stage.database import Bundle
    from pipeline.stage.declared import DeclaredStage


def task(job: str | None, category: str | None, env: str, tags: list[str]) -> DeclaredStage | Bundle:
    """The task of a job.

    Parameters
    ----------
    job : the name of a job or task, such as `Merging`, or the old form, `merging_job`; None is the full pipeline
    category : cluster this category only; goes with InternalClustering or no job
    env : the environment
    tags : KEY=VALUE texts

    Raises
    ------
    UsageError
        There is no such job, it takes no category, or a tag is not KEY=VALUE.
    SettingsError
        The config names no source for it.
    """
    from pipeline import tasks
    from pipeline.run.parameters import check_sources, parse_tags
    from pipeline.run.session import session

    session.is_own_command = True
    notices.at_exit(load(env))
    jobs = {job_task.__name__: job_task for job_task in (*tasks.JOBS, tasks.Warehouse)}
    wanted = name(job) if job else "FullPipeline"
    if wanted not in jobs:
        raise UsageError(f"job {job!r} is unknown{nearest(wanted, list(jobs))}; allowed are {', '.join(jobs)}")
    common = {"env": env, "tag": parse_tags(tags)}
    check_sources(jobs[wanted] if category is None else tasks.ClusterCategory, load(env))
    if category is None:
        return jobs[wanted](**common)
    if job and wanted != "InternalClustering":
        raise UsageError(
            f"--category goes with InternalClustering, found {job!r}: leave the job out, or give InternalClustering"
        )
    return tasks.ClusterCategory(category=normal(category), **common)


def name(job: str) -> str:
    """The task name for a job: `merging_job` and `merging` give `Merging`."""
    if not re.fullmatch(r"[a-z_]+", job):
        return job
    return "".join(part.capitalize() for part in job.removesuffix("_job").split("_"))
