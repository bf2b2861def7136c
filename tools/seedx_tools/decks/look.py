"""How a deck looks: a user's template, or a built-in theme; and what stands at the bottom of its slides."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from pptx.presentation import Presentation as PresentationObject

from seedx_tools.decks.footer import Footer, FooterChoice, footer_from
from seedx_tools.decks.ooxml.links import drop_links
from seedx_tools.decks.ooxml.template import Template, drop_slides, open_template
from seedx_tools.decks.theme.brand import Brand
from seedx_tools.decks.theme.branding import branded
from seedx_tools.decks.theme.build import WIDTH_INCHES, DeckSize, default_template, themed_template
from seedx_tools.decks.theme.completion import complete_layouts
from seedx_tools.decks.theme.designs import DESIGNS
from seedx_tools.decks.theme.layouts import deck_layouts
from seedx_tools.decks.theme.logos import PAGE_LOGO, Logo, add_logo
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.decks.theme.samples import adopt_samples


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """The arguments of make_slides that decide how a deck looks."""

    template: str | os.PathLike[str] | None
    master: str | None
    theme: DeckTheme | None
    brand: Brand | None
    size: DeckSize | None
    footer: FooterChoice

    @property
    def bottom(self) -> Footer:
        """What stands at the bottom of slides: what the caller wants, else the brand."""
        return footer_from(self.brand.footer if self.footer is True and self.brand is not None else self.footer)

    def open(self) -> Template:
        """Return an empty presentation with this look.

        Raises:
            TemplateError: If the template cannot be used.
            InputError: If the template has no such master.
        """
        if self.template is None:
            ignored = () if self.master is None else (f"only a template has masters; '{self.master}' was ignored",)
            deck, changed = _themed(self.size or "16:9", self.theme or "paper", self.brand)
            return Template(deck=deck, master=deck.slide_master, notices=(*ignored, *changed))
        template = open_template(self.template, self.master)
        prepared = (complete_layouts(template.master), adopt_samples(template.deck, template.master))
        notices = [*template.notices, *filter(None, prepared)]
        if (removed := drop_slides(template.deck)) > 0:
            notices.append(f"the template's own {removed} slides were left out; its masters and layouts are used")
        notices += [
            f"the template links to '{target[:120]}' outside itself; it was not fetched, and the link was left out"
            for target in drop_links(template.deck)
        ]
        if self.size is not None:
            notices.append(f"the template sets the page size; {self.size} was ignored")
        if self.theme is not None:
            notices.append(f"the template sets the design; the theme '{self.theme}' was ignored")
        if self.brand is not None and (self.brand.colors or self.brand.fonts or self.brand.logo):
            notices.append("the template sets the design; colors, fonts and logo of the brand were ignored")
        return Template(deck=template.deck, master=template.master, notices=tuple(notices))


def _themed(size: DeckSize, theme: DeckTheme, brand: Brand | None) -> tuple[PresentationObject, tuple[str, ...]]:
    """Return an empty presentation with a built-in theme in the look of a brand, and what was changed of that."""
    if brand is None:
        return default_template(size, theme), ()
    design, changed = branded(DESIGNS[theme], brand)
    logo = None if brand.logo is None else Logo(brand.logo, f"{brand.name} logo" if brand.name else "Logo")
    if logo is not None:
        design = replace(design, logo_width=logo.size(PAGE_LOGO)[0])
    deck = themed_template(size, brand.name or f"SeedX {theme}", design)
    if logo is not None:
        width = WIDTH_INCHES[size]
        add_logo(deck.slide_master, deck_layouts(width, design), design, width, logo)
    return deck, changed
