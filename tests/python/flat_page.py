"""Code blocks of a documentation page that was saved as plain text.

The page's marks are gone: a block starts behind a line that says only `python` and ends somewhere
before the next one, where prose goes on. Prose does not compile, so a block is the longest run of
lines that does. One thing does compile and is prose all the same: a heading of one word behind an
empty line, which Python takes for a name.
"""

from __future__ import annotations

import ast

MARK = "python"


def code_blocks(page: str) -> list[str]:
    """The text of each block, in the page's order, exactly as it stands there."""
    lines = page.splitlines()
    marks = [number for number, line in enumerate(lines) if line == MARK]
    ends = [*marks[1:], len(lines)]
    return [_longest_block(lines[mark + 1 : end]) for mark, end in zip(marks, ends, strict=True)]


def _longest_block(lines: list[str]) -> str:
    for count in range(len(lines), 0, -1):
        tree = _parse(lines[:count])
        if tree is not None and tree.body:
            return "\n".join(lines[: _last_line_of_code(tree, lines[:count])]) + "\n"
    raise ValueError(f"no code behind a line {MARK!r}: {lines[:3]}")


def _parse(lines: list[str]) -> ast.Module | None:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        return compile("\n".join(lines), "page", "exec", flags=flags)
    except SyntaxError:
        return None


def _last_line_of_code(tree: ast.Module, lines: list[str]) -> int:
    while _is_heading(tree.body[-1], lines):
        lines = lines[: tree.body.pop().lineno - 1]
    while not lines[-1].strip():
        lines = lines[:-1]
    return len(lines)


def _is_heading(statement: ast.stmt, lines: list[str]) -> bool:
    one_word = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Name)
    first = statement.lineno - 1
    return one_word and first > 0 and not lines[first - 1].strip()
