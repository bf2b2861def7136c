"""Icons chosen by meaning: 121 drawings of Lucide 1.62.0 (https://lucide.dev; lucide/LICENSE), as SVG and PNG."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TypedDict

import resvg_py

_PNG_WIDTH = 192
_SYNONYMS: Mapping[str, str] = {
    "achievement": "trophy",
    "agenda": "list-checks",
    "ai": "sparkles",
    "analysis": "search",
    "audit": "clipboard-list",
    "automation": "workflow",
    "budget": "banknote",
    "campaign": "megaphone",
    "capacity": "gauge",
    "carbon": "leaf",
    "client": "smile",
    "communication": "message-circle",
    "company": "building-2",
    "compliance": "scale",
    "contract": "file-text",
    "cost": "coins",
    "culture": "heart",
    "customer": "smile",
    "deadline": "calendar",
    "delivery": "truck",
    "device": "laptop",
    "education": "graduation-cap",
    "efficiency": "gauge",
    "employee": "users",
    "energy": "zap",
    "environment": "leaf",
    "finance": "banknote",
    "goal": "target",
    "governance": "landmark",
    "growth": "trending-up",
    "health": "heart-pulse",
    "hiring": "user",
    "idea": "lightbulb",
    "infrastructure": "server",
    "innovation": "lightbulb",
    "integration": "puzzle",
    "investment": "piggy-bank",
    "knowledge": "book-open",
    "launch": "rocket",
    "learning": "graduation-cap",
    "legal": "gavel",
    "logistics": "truck",
    "market": "store",
    "marketing": "megaphone",
    "money": "banknote",
    "operations": "settings",
    "partner": "handshake",
    "partnership": "handshake",
    "people": "users",
    "performance": "gauge",
    "plan": "clipboard-list",
    "price": "tag",
    "process": "workflow",
    "product": "package",
    "production": "factory",
    "profit": "trending-up",
    "quality": "award",
    "report": "file-text",
    "research": "microscope",
    "revenue": "banknote",
    "risk": "triangle-alert",
    "roadmap": "route",
    "sales": "shopping-cart",
    "satisfaction": "smile",
    "savings": "piggy-bank",
    "security": "shield-check",
    "service": "headphones",
    "software": "code",
    "speed": "gauge",
    "staff": "users",
    "strategy": "compass",
    "supplier": "truck",
    "support": "headphones",
    "sustainability": "leaf",
    "team": "users",
    "time": "clock",
    "training": "graduation-cap",
    "transport": "truck",
    "travel": "plane",
    "value": "star",
    "warehouse": "boxes",
    "water": "droplets",
}
"""Words of business decks for which the set's own tags are missing or name several drawings."""
_WORD = re.compile(r"[a-z0-9]+")
_LEAST_SCORE = 3


class _Icon(TypedDict):
    tags: list[str]
    svg: str


def find_icon(text: str) -> str | None:
    """Return the name of the icon that fits the words of a text best; None if none does.

    A drawing's own name counts most, then the words of business decks, then the tags of the set. Plurals count as their
    singular. Of several words the first that has an icon decides.
    """
    icons = _icons()
    name = text.strip().lower().replace(" ", "-")
    if name in icons:
        return name
    for word in _WORD.findall(text.lower()):
        scores = [(score, icon) for form in _forms(word) for icon in icons if (score := _score(icon, form))]
        best = max(scores, key=lambda entry: entry[0], default=(0, ""))
        if best[0] >= _LEAST_SCORE:
            return best[1]
    return None


def icon_svg(name: str, rgb: str) -> bytes:
    """Return the drawing of an icon in a color (RRGGBB)."""
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24' viewBox='0 0 24 24' fill='none' "
        f"stroke='#{rgb}' stroke-width='2' stroke-linecap='round' stroke-linejoin='round'>{_icons()[name]['svg']}</svg>"
    ).encode()


@lru_cache(maxsize=256)
def icon_png(name: str, rgb: str) -> bytes:
    """Return the image of an icon in a color (RRGGBB), for programs that show no SVG."""
    return bytes(resvg_py.svg_to_bytes(svg_string=icon_svg(name, rgb).decode(), width=_PNG_WIDTH))


@lru_cache(maxsize=1)
def _icons() -> Mapping[str, _Icon]:
    icons: dict[str, _Icon] = json.loads(files(__package__).joinpath("lucide/icons.json").read_text(encoding="utf-8"))
    return icons


def _score(icon: str, word: str) -> int:
    if icon == word:
        return 6
    if _SYNONYMS.get(word) == icon:
        return 5
    if word in icon.split("-"):
        return 4
    return 3 if word in _icons()[icon]["tags"] else 0


def _forms(word: str) -> Iterator[str]:
    """Yield a word, and its singular if it may be a plural."""
    if len(word) < 2:
        return
    yield word
    if word.endswith("ies") and len(word) > 4:
        yield f"{word[:-3]}y"
    elif word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        yield word[:-1]
