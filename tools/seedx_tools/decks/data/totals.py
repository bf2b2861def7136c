"""Rows of totals in tables."""

from __future__ import annotations

_WORDS = frozenset(
    ("total", "totals", "grand total", "subtotal", "sub-total", "sum", "overall", "all")
    + ("gesamt", "gesamtsumme", "summe", "insgesamt", "total g\u00e9n\u00e9ral", "total general", "suma", "totale")
    + ("totaal", "summa", "razem", "\u0438\u0442\u043e\u0433\u043e", "\u0627\u0644\u0645\u062c\u0645\u0648\u0639")
    + ("\u0627\u0644\u0625\u062c\u0645\u0627\u0644\u064a", "\u05e1\u05d4\u05f4\u05db", "\u5408\u8ba1", "\u5408\u8a08")
)


def is_total(label: str) -> bool:
    """Return whether the label of a row says that the row adds up the others."""
    return label.strip().rstrip(":").strip().lower() in _WORDS
