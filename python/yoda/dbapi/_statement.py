"""What a statement is, told from its words: whether it reads, whether a transaction has to be open.

Words are found by skipping comments, quoted text and parameters; nothing is parsed beyond that. A
statement that is not valid SQL gets some kind or other, and its error from the engine.
"""

import enum
import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass


class Kind(enum.Enum):
    """What executing a statement means for the connection's transaction."""

    EMPTY = enum.auto()
    """No statement: white space, comments and semicolons."""
    READ = enum.auto()
    """Gives rows: inside the open transaction, else where the router says."""
    EXPLAIN = enum.auto()
    """EXPLAIN YODA: asks the router, which is never inside a transaction."""
    WRITE = enum.auto()
    """INSERT, UPDATE, DELETE, REPLACE: opens a transaction unless autocommit is on."""
    OTHER = enum.auto()
    """CREATE, DROP, ATTACH, PRAGMA name = value, ...: opens none, takes part in an open one."""
    BEGIN = enum.auto()
    COMMIT = enum.auto()
    ROLLBACK = enum.auto()
    SAVEPOINT = enum.auto()
    """SAVEPOINT, which opens a transaction. RELEASE and ROLLBACK TO are of kind OTHER."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The kind of a statement and what else its words tell."""

    kind: Kind
    inserts: bool = False
    """INSERT or REPLACE: there is a row id to tell afterwards."""
    returning: bool = False
    several: bool = False
    """More statements stand behind the first."""


_TOKEN = re.compile(
    r"""(?P<space> \s+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
      | (?P<quoted> '[^']*(?:''[^']*)*(?:'|\Z) | "[^"]*(?:""[^"]*)*(?:"|\Z)
                  | `[^`]*(?:``[^`]*)*(?:`|\Z) | \[[^\]]*(?:\]|\Z) )
      | (?P<other>  [:@$\#?][\w$:]* | \d[\w.]* )
      | (?P<word>   \w[\w$]* )
      | (?P<mark>   . )""",
    re.VERBOSE | re.DOTALL,
)
_CACHED_LENGTH_MAX = 8192

_CONTROL = {
    "BEGIN": Kind.BEGIN,
    "COMMIT": Kind.COMMIT,
    "END": Kind.COMMIT,
    "ROLLBACK": Kind.ROLLBACK,
    "SAVEPOINT": Kind.SAVEPOINT,
}
_READING = frozenset(("SELECT", "VALUES"))
_WRITING = frozenset(("INSERT", "REPLACE", "UPDATE", "DELETE"))
_PRAGMAS_WITH_EFFECT = frozenset(
    ("WAL_CHECKPOINT", "OPTIMIZE", "INCREMENTAL_VACUUM", "SHRINK_MEMORY", "CASE_SENSITIVE_LIKE")
)
_PRAGMAS_ASKING = re.compile(
    r"TABLE_X?INFO|TABLE_LIST|INDEX_(LIST|X?INFO)|FOREIGN_KEY_(LIST|CHECK)|(INTEGRITY|QUICK)_CHECK"
)


def _tokens(sql: str) -> Iterator[str]:
    """Words in capitals, marks as they are, "'" for quoted text, "?" for parameters, numbers."""
    for match in _TOKEN.finditer(sql):
        group = match.lastgroup
        if group == "word":
            yield match.group().upper()
        elif group == "mark":
            yield match.group()
        elif group != "space":
            yield "'" if group == "quoted" else "?"


def _first(tokens: list[str]) -> list[str]:
    """Without the semicolons in front."""
    for i, token in enumerate(tokens):
        if token != ";":
            return tokens[i:]
    return []


def _length(tokens: list[str]) -> int:
    """How many tokens the first statement has. A trigger's ends with "; END ;"."""
    trigger = tokens[0] == "CREATE" and "TRIGGER" in tokens[1:3]
    for i, token in enumerate(tokens):
        if token == ";" and (not trigger or tokens[i - 2 : i] == [";", "END"]):
            return i
    return len(tokens)


def _verb(tokens: list[str]) -> str:
    """The first word; behind a WITH, the one that follows the last table's parenthesis."""
    if tokens[0] != "WITH":
        return tokens[0]
    depth = 0
    for before, token in itertools.pairwise(tokens):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth == 0 and before == ")" and token in _READING | _WRITING:
            return token
    return "SELECT"


def _pragma(tokens: list[str]) -> Kind:
    """As the engine sees it: asking, or with an effect, which is for the connection that writes."""
    name = 3 if tokens[2:3] == ["."] else 1
    word, after = "".join(tokens[name : name + 1]), tokens[name + 1 : name + 2]
    if after in (["="], ["("]):
        return Kind.READ if _PRAGMAS_ASKING.fullmatch(word) else Kind.OTHER
    return Kind.OTHER if word in _PRAGMAS_WITH_EFFECT else Kind.READ


def _kind(verb: str, tokens: list[str]) -> Kind:
    if verb in _READING:
        return Kind.READ
    if verb in _WRITING:
        return Kind.WRITE
    if verb == "PRAGMA":
        return _pragma(tokens)
    if verb == "EXPLAIN":
        return Kind.EXPLAIN if tokens[1:2] == ["YODA"] else Kind.READ
    if verb == "ROLLBACK" and "TO" in tokens:
        return Kind.OTHER
    return _CONTROL.get(verb, Kind.OTHER)


def _classify(sql: str) -> Statement:
    tokens = _first(list(_tokens(sql)))
    if not tokens:
        return Statement(Kind.EMPTY)
    length = _length(tokens)
    behind = _first(tokens[length:])
    tokens = tokens[:length]
    verb = _verb(tokens)
    kind = _kind(verb, tokens)
    return Statement(
        kind,
        inserts=verb in ("INSERT", "REPLACE"),
        returning=kind is Kind.WRITE and "RETURNING" in tokens,
        several=bool(behind),
    )


_classify_cached = functools.lru_cache(maxsize=512)(_classify)


def classify(sql: str) -> Statement:
    """The statement's kind. What was asked lately, and is not long, is remembered."""
    return _classify_cached(sql) if len(sql) <= _CACHED_LENGTH_MAX else _classify(sql)
