"""Options in groups, on a command that prints nothing but what it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import pytest
import typer
from typer.testing import CliRunner

from seedx_sdk.serve.options.groups import takes_groups


@dataclass(frozen=True, kw_only=True)
class Size:
    """A group."""

    TITLE: ClassVar = "Size of the page"

    width: Annotated[int, typer.Option(min=1, metavar="CM", help="From left to right.")] = 20
    fold: Annotated[bool, typer.Option("--fold", help="Once.")] = False


@takes_groups
def print_page(*, text: Annotated[str, typer.Option(help="What it says.")] = "nothing", size: Size) -> None:
    """Print a page."""
    typer.echo(f"{text} {size}")


APP = typer.Typer()
APP.command()(print_page)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ([], f"nothing {Size()}"),
        (["--width", "8", "--fold", "--text", "hello"], f"hello {Size(width=8, fold=True)}"),
    ],
)
def test_a_group_gets_its_options(arguments: list[str], printed: str) -> None:
    assert CliRunner().invoke(APP, arguments).stdout == f"{printed}\n"


def test_bounds_of_an_option_hold_in_a_group() -> None:
    assert CliRunner().invoke(APP, ["--width", "0"]).exit_code == 2


def test_options_are_listed_under_the_title_of_their_group() -> None:
    own, _, grouped = CliRunner().invoke(APP, ["--help"]).stdout.partition(Size.TITLE)
    assert "--text" in own and "--width" not in own
    assert all(text in grouped for text in ("--width", "CM", "From left to right", "20", "--fold"))
