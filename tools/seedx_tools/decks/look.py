"""How a deck looks: a user's template, or a built-in theme; and what stands at the bottom of its slides."""

from __future__ import annotations

import os
from dataclasses import dataclass

from seedx_tools.decks.footer import FooterChoice
from seedx_tools.decks.ooxml.template import Template, drop_slides, open_template
from seedx_tools.decks.theme.build import DeckSize, default_template
from seedx_tools.decks.theme.completion import complete_layouts
from seedx_tools.decks.theme.palettes import DeckTheme
from seedx_tools.decks.theme.samples import adopt_samples


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """The arguments of make_slides that decide how a deck looks."""

    template: str | os.PathLike[str] | None
    master: str | None
    theme: DeckTheme | None
    size: DeckSize | None
    footer: FooterChoice

    def open(self) -> Template:
        """Return an empty presentation with this look.

        Raises:
            TemplateError: If the template cannot be used.
            InputError: If the template has no such master.
        """
        if self.template is None:
            deck = default_template(self.size or "16:9", self.theme or "paper")
            ignored = () if self.master is None else (f"only a template has masters; '{self.master}' was ignored",)
            return Template(deck=deck, master=deck.slide_master, notices=ignored)
        template = open_template(self.template, self.master)
        prepared = (complete_layouts(template.master), adopt_samples(template.deck, template.master))
        notices = [*template.notices, *filter(None, prepared)]
        if (removed := drop_slides(template.deck)) > 0:
            notices.append(f"the template's own {removed} slides were left out; its masters and layouts are used")
        if self.size is not None:
            notices.append(f"the template sets the page size; {self.size} was ignored")
        if self.theme is not None:
            notices.append(f"the template sets the design; the theme '{self.theme}' was ignored")
        return Template(deck=template.deck, master=template.master, notices=tuple(notices))
