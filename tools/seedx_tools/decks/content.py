"""What a slide can hold beside points: a table, a chart, two columns, a quote. Plain data, ready for a chat model."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

ChartKind: TypeAlias = Literal["bar", "line", "pie"]
PictureSide: TypeAlias = Literal["auto", "left", "right", "full"]

MAX_COLUMNS = 12
MAX_ROWS = 200
MAX_SERIES = 6
"""A theme has six accent colours; more series than colours cannot be told apart."""
MAX_CATEGORIES = 60


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TableData(_Content):
    """A table, given as cells or as the name of a CSV file."""

    header: tuple[str, ...] = Field(default=(), max_length=MAX_COLUMNS, description="The column headings.")
    rows: tuple[tuple[str, ...], ...] = Field(
        default=(), max_length=MAX_ROWS, description="The rows below the headings, each with one text a column."
    )
    csv: str = Field(default="", description="Name of a CSV file to read instead, or empty.")

    @model_validator(mode="after")
    def _is_square(self) -> TableData:
        if bool(self.csv) == bool(self.header):
            raise ValueError("give a table either a header with rows or the name of a csv file")
        wrong = next((number for number, row in enumerate(self.rows, 1) if len(row) != len(self.header)), None)
        if wrong is not None:
            raise ValueError(f"row {wrong} has {len(self.rows[wrong - 1])} cells and the header {len(self.header)}")
        return self


class ChartSeries(_Content):
    """One line, one colour of bars, or the slices of a pie."""

    name: str = Field(description="What the numbers are, for the legend.")
    values: tuple[float, ...] = Field(description="One number for each category.")


class ChartData(_Content):
    """A chart that stays editable in PowerPoint, given as numbers or as the name of a CSV file."""

    kind: ChartKind = Field(description="bar compares, line shows a course over time, pie shows parts of a whole.")
    title: str = Field(default="", description="What the chart shows, or empty.")
    categories: tuple[str, ...] = Field(
        default=(), max_length=MAX_CATEGORIES, description="The labels along the axis, or of the slices."
    )
    series: tuple[ChartSeries, ...] = Field(default=(), max_length=MAX_SERIES, description="A pie takes one.")
    csv: str = Field(
        default="", description="Name of a CSV file to read instead: labels first, then numbers; or empty."
    )

    @model_validator(mode="after")
    def _is_complete(self) -> ChartData:
        if bool(self.csv) == bool(self.series):
            raise ValueError("give a chart either series with categories or the name of a csv file")
        if self.series and not self.categories:
            raise ValueError("a chart needs one category or more, and each series one value for each of them")
        for series in self.series:
            if len(series.values) != len(self.categories):
                raise ValueError(
                    f"series '{series.name}' has {len(series.values)} values for {len(self.categories)} categories"
                )
        if self.kind == "pie" and len(self.series) > 1:
            raise ValueError("a pie shows one series; use a bar chart for several")
        if self.kind == "pie" and any(value < 0 for series in self.series for value in series.values):
            raise ValueError("a pie cannot show negative values; use a bar chart")
        return self


class Column(_Content):
    """One of the two columns of a slide."""

    heading: str = Field(default="", description="What stands above the column in a comparison, or empty.")
    bullets: tuple[str, ...] = Field(description="Two to five short points.")


class Quote(_Content):
    """Somebody's words."""

    text: str = Field(description="The words, without quotation marks.")
    by: str = Field(default="", description="Who said or wrote them.")
