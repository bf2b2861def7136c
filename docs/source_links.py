"""Keep links to source lines fresh: python docs/source_links.py rewrites the line numbers in README.md and docs/.

A link names a symbol and its file, as in [`LVLM.regress`](../seedx_sdk/model/lvlm.py#L1); the line is looked up.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
LINK = re.compile(r"\[`(?P<symbol>[\w.]+)`\]\((?P<path>[\w/.-]+\.py)#L(?P<line>\d+)\)")


def refreshed(page: Path) -> str:
    """Return the text of a page with the line at which each linked symbol is defined.

    Raises:
        ValueError: If a linked file or symbol does not exist.
    """

    def refresh(link: re.Match[str]) -> str:
        source = (page.parent / link["path"]).resolve()
        line = definitions(source).get(link["symbol"]) if source.is_file() else None
        if line is None:
            raise ValueError(f"{page.name} links to {link['symbol']} in {link['path']}, which does not define it")
        return f"[`{link['symbol']}`]({link['path']}#L{line})"

    return LINK.sub(refresh, page.read_text(encoding="utf-8"))


@cache
def definitions(source: Path) -> dict[str, int]:
    """Return the line of every class, function and method of a file by its qualified name."""
    found: dict[str, int] = {}

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found[prefix + child.name] = child.lineno
                walk(child, f"{prefix}{child.name}.")

    walk(ast.parse(source.read_text(encoding="utf-8")), "")
    return found


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(refreshed(page), encoding="utf-8")
