"""Rows of several measurements, written as JSON and as Markdown tables after each of them."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]
"""One line of a table: a value by column."""


@dataclass(kw_only=True)
class Section:
    """One measurement."""

    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None


@dataclass(kw_only=True)
class Results:
    """Measurements of one run; what was measured before a failure is kept."""

    machine: str
    options: Mapping[str, Any]
    directory: Path
    name: str
    sections: dict[str, Section] = field(default_factory=dict)

    def measure(self, name: str, rows: Iterable[Row]) -> None:
        """Take the rows as they come, print and write them; an error ends them and is written down."""
        section = self.sections[name] = Section()
        started = time.perf_counter()
        print(f"-- {name}", flush=True)
        try:
            for row in rows:
                section.rows.append(row)
                print("   " + ", ".join(f"{column} {_text(value)}" for column, value in row.items()), flush=True)
        except Exception as error:
            section.error = f"{type(error).__name__}: {error}"
            traceback.print_exc()
        section.seconds = round(time.perf_counter() - started, 1)
        self.write()

    @property
    def failed(self) -> list[str]:
        """Names of the measurements that ended with an error."""
        return [name for name, section in self.sections.items() if section.error is not None]

    def write(self) -> None:
        """Write NAME.json and NAME.md."""
        self.directory.mkdir(parents=True, exist_ok=True)
        sections = {name: vars(section) for name, section in self.sections.items()}
        content = {"machine": self.machine, "options": dict(self.options), "sections": sections}
        (self.directory / f"{self.name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        (self.directory / f"{self.name}.md").write_text(self.markdown(), encoding="utf-8")

    def markdown(self) -> str:
        """Return one table for each measurement."""
        lines = [f"{self.machine}.", ""]
        for name, section in self.sections.items():
            lines += [f"### {name} ({section.seconds:.0f} s)", ""]
            if section.rows:
                columns = list(dict.fromkeys(column for row in section.rows for column in row))
                lines += [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
                lines += [f"| {' | '.join(_text(row.get(c)) for c in columns)} |" for row in section.rows] + [""]
            if section.error is not None:
                lines += [f"Ended by an error: {section.error}", ""]
        return "\n".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return "" if value is None else str(value)
