"""What a driver says in an error, in one line: the database's own words, the next step, and no part of a URL that may be a secret."""

from __future__ import annotations

import re
from urllib.parse import unquote

from pipeline.errors import RemoteError
from pipeline.wording import gist

# The database's own words within those of its driver, which quotes the whole query too.
_OWN_WORDS = (re.compile(r"\b(?:ERROR|FATAL|PANIC):\s+(\S.*)"), re.compile(r'\bdetails = "(\S.*?)"?$', re.MULTILINE))
# What errors of drivers without SQLSTATE mean, by their class.
_STATES = {
    "CatalogException": "42P01",
    "BinderException": "42703",
    "ParserException": "42601",
    "IOException": "08006",
    "PermissionException": "42501",
}
_OF_THE_QUERY = "correct sql, table or version_query"
# By the SQLSTATE, or where there is none by words: the next step. The first that matches.
_NEXT_STEPS = (
    (
        r"^28|authenticat|username or password|access token|[Uu]nauthori[sz]ed\b|UNAUTHENTICATED",
        "correct user, password or token in the variable that connection names",
    ),
    (
        r"^42501|permission denied|not authorized|PERMISSION_DENIED",
        "give the user of connection the right to read it (SELECT)",
    ),
    (
        r"^(57014|HYT)|time-?out|timed out|DEADLINE_EXCEEDED",
        "give the user of connection more time in the database, or ask it when it is less busy",
    ),
    (
        r"^(08|57P|58)|connect|network|socket|UNAVAILABLE|could not translate",
        "see whether it is up and can be reached from here, and what host and port connection names",
    ),
    (
        r"^(3D|3F|42P01|42S02|42704)|does not exist|cannot be found",
        "correct table, sql or connection; names with capitals or blanks stand in quotes, as in SQL",
    ),
    (r"^25006", "a source only reads: name a table, or a query that writes nothing"),
    (r"^(22|42)", _OF_THE_QUERY),
)
_OF_THE_DATABASE = "see whether it is up, and what connection, table and sql name"


def refusal(error: Exception, database: str, url: str, setting: str) -> RemoteError:
    """An error of a driver as one of ours.

    Parameters
    ----------
    database : what it is called, such as `postgresql`
    url : of the connection, of which no secret part may be said
    setting : the table of the config that names it
    """
    words = _own_words(without_secrets(str(error), url), error)  # before anything is cut
    state = _state(error)
    last = _OF_THE_QUERY if _OWN_WORDS[0].search(str(error)) else _OF_THE_DATABASE
    step = next((step for pattern, step in _NEXT_STEPS if re.search(pattern, state or words)), last)
    return RemoteError(
        f"[{setting}]: {database} does not answer as it should: {words}; {step}; what was published stays, and the next run asks again"
    )


def _own_words(text: str, error: Exception) -> str:
    matches = (pattern.search(text) for pattern in _OWN_WORDS)
    return gist(Exception(next((match[1] for match in matches if match), text) or type(error).__name__)).rstrip(" .;")


def _state(error: Exception) -> str:
    """The SQLSTATE; empty where the driver has none."""
    state = getattr(error, "sqlstate", None) or getattr(error, "getSqlState", lambda: None)()
    return str(state if state and state != "00000" else _STATES.get(type(error).__name__, ""))


def without_secrets(text: str, url: str) -> str:
    """A text without what may be a secret in a URL: the password, values behind `?` or `;`, and the URL itself.

    Where the URL cannot be told apart with certainty, as with an `@` in a password, nothing of it is left.
    """
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _secrets(url: str) -> set[str]:
    _, _, rest = url.partition("://")
    authority, _, options = rest.replace(";", "?", 1).partition("?")
    secrets = {
        url,
        rest,
        options,
        *(value for part in options.replace(";", "&").split("&") for value in part.split("=")),
    }
    user, at, _ = authority.rpartition("@")
    if at:
        secrets |= {user, user.partition(":")[2]}
    if rest.count("@") > 1 or "@" in options or "/" in user or "#" in rest:
        secrets |= set(authority.replace("@", "/").replace(":", "/").replace("#", "/").split("/"))
    secrets |= {unquote(secret) for secret in secrets}
    return {secret for secret in secrets if len(secret) > 2}
