"""Formulas as readable Unicode."""

from __future__ import annotations

import pytest

from seedx_tools import OutlinePlanner
from seedx_tools.decks.text.formulas import formula_text, is_readable
from seedx_tools.decks.text.inline import plain_text


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        ("S = P(1+r)^n", "S = P(1+r)ⁿ"),
        (r"t_{1/2} = \frac{\ln 2}{\ln (1+r)}", "t_(1/2) = (ln 2)/(ln (1+r))"),
        (r"\sum_{t=1}^{n} C_t", "∑ₜ₌₁ⁿ Cₜ"),
        (r"\sqrt{x^2+1} \leq \alpha", "√(x²+1) ≤ α"),
        (r"\text{cost} = 5\,\%", "cost = 5 %"),
        (r"\int_0^\infty e^{-x}", "∫₀^∞ e⁻ˣ"),
    ],
)
def test_a_formula_is_readable(tex: str, shown: str) -> None:
    assert formula_text(tex) == shown


def test_what_has_no_form_stays_tex_and_is_named() -> None:
    tex = r"\begin{pmatrix}a & b\end{pmatrix}"
    assert formula_text(tex) == tex and not is_readable(tex)
    outline = OutlinePlanner().plan(f"# T\n## S\n- ${tex}$\n- b\n", None)
    assert plain_text(outline.slides[0].bullets[0]) == tex
    assert outline.warnings == (f"slide 'S': the formula '{tex}' stays TeX: it has no readable form in plain text",)


def test_formulas_in_text_and_blocks_and_amounts_of_money() -> None:
    outline = OutlinePlanner().plan("# T\n## S\n- From $5 to $6\n- With $x^2$\n\n$$\n\\frac{a}{b}\n$$\n", None)
    assert [plain_text(bullet) for bullet in outline.slides[0].bullets] == ["From $5 to $6", "With x²", "a/b"]
