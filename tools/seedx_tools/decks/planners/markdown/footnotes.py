"""Footnotes of a Markdown outline: [^label] in its text, and "[^label]: ..." anywhere in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from markdown_it.tree import SyntaxTreeNode

_LABEL = re.compile(r"\[\^([^\]\s]+)\]")


class MarkdownFootnotes:
    """The footnotes of one text.

    Args:
        tree: The parsed text.
        read: Returns inline Markdown for a node.
    """

    def __init__(self, tree: SyntaxTreeNode, read: Callable[[SyntaxTreeNode], str]) -> None:
        self._read = read
        self._nodes = {str(node.meta["label"]): node for node in tree.walk() if node.type == "footnote_reference"}
        self._used: set[str] = set()
        self._unknown: set[str] = set()

    def number(self, label: str, taken: dict[str, str], warn: Callable[[str], None]) -> int:
        """Return the number that a footnote has on a slide, from 1; 0 if there is no such footnote.

        Args:
            label: What its mark says.
            taken: The texts of the slide's footnotes by label, which this one is added to.
            warn: Called with one sentence for the first mark without a footnote.
        """
        node = self._nodes.get(label)
        if node is None:
            if label not in self._unknown:
                warn(f"there is no footnote for the mark [^{label}]; add a line '[^{label}]: ...'")
            self._unknown.add(label)
            return 0
        self._used.add(label)
        if label not in taken:
            taken[label] = self._text(node)
        return list(taken).index(label) + 1

    def marked(self, text: str, number: Callable[[str], int]) -> str:
        """Return the source of a text with the numbers of its footnotes as marks."""
        return _LABEL.sub(lambda found: f"[^{place}]" if (place := number(found[1])) else f"\\{found[0]}", text)

    def unused(self) -> Iterator[str]:
        """Yield one sentence for each footnote that nothing refers to."""
        for label, node in self._nodes.items():
            if label not in self._used:
                yield f"the footnote [^{label}] was left out, as nothing refers to it: {self._text(node)}"

    def _text(self, node: SyntaxTreeNode) -> str:
        """Return the paragraphs of a footnote on one line."""
        inlines = (child for child in node.walk() if child.type == "inline")
        return " ".join(filter(None, (self._read(child) for child in inlines)))
