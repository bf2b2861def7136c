"""Keep the tables of options fresh: python docs/option_tables.py rewrites them in docs/server-options.md.

They are made of the help texts of `seedx serve` and `seedx deploy`, where each option is explained.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from seedx_sdk.serve.cli import serve
from seedx_sdk.serve.ray.cli import deploy

PAGE = Path(__file__).parent / "server-options.md"
_TABLES = re.compile(r"(?<=<!-- tables -->\n).*", re.DOTALL)


def refreshed() -> str:
    """Return the text of the page with the options that the commands have now."""
    return _TABLES.sub(lambda _: "".join(f"{line}\n" for line in _tables()), PAGE.read_text(encoding="utf-8"))


def _tables() -> Iterator[str]:
    """Generate the lines of the tables: the options of each command, then by subject those of both."""
    of_serve, of_deploy = _subjects(serve), _subjects(deploy)
    yield from _table("Of `seedx serve`", of_serve.pop(None))
    yield from _table("Of `seedx deploy`", of_deploy.pop(None))
    if {subject: [*options] for subject, options in of_serve.items()} != {
        subject: [*options] for subject, options in of_deploy.items()
    }:
        raise ValueError("options with a subject must be the same for both commands")
    for subject, options in of_serve.items():
        yield from _table(str(subject), options)


def _subjects(command: Callable[..., None]) -> dict[str | None, dict[str, inspect.Parameter]]:
    """Return the options of a command by the heading under which its help text lists them."""
    subjects: dict[str | None, dict[str, inspect.Parameter]] = {}
    for option in inspect.signature(command, eval_str=True).parameters.values():
        subject = get_args(option.annotation)[1].rich_help_panel
        subjects.setdefault(subject, {})[option.name] = option
    return subjects


def _table(heading: str, options: dict[str, inspect.Parameter]) -> Iterator[str]:
    yield from (f"\n## {heading}\n", "| Option | Default | Meaning |", "| --- | --- | --- |")
    for name, option in options.items():
        value_type, info = get_args(option.annotation)
        usage = " ".join(filter(None, (f"--{name.replace('_', '-')}", info.metavar)))
        default = "" if option.default in (None, False, "") else f"`{option.default}`"
        yield f"| `{usage}`{_choices(value_type)} | {default} | {info.help} |"


def _choices(value_type: Any) -> str:
    """Return the values of an option that has few, " (`a`, `b`)"."""
    literals = [inner for inner in (value_type, *get_args(value_type)) if get_origin(inner) is Literal]
    return "".join(f" ({', '.join(f'`{choice}`' for choice in get_args(literal))})" for literal in literals)


if __name__ == "__main__":
    PAGE.write_text(refreshed(), encoding="utf-8")
