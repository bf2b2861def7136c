"""Tell an illustrated story: python examples/story.py "a red cat who wants to sail" story.html (or .pdf, .epub, .pptx).

Or illustrate your own words: python examples/story.py mina.md mina.epub.
"""

from __future__ import annotations

import sys
from pathlib import Path

from seedx_sdk import SeedX
from seedx_tools import tell_story

prompt = sys.argv[1] if len(sys.argv) > 1 else "a red cat on the beach who wants to sail a blue boat"
if prompt.endswith(".md"):
    prompt = Path(prompt).read_text(encoding="utf-8")
story = tell_story(SeedX(), prompt, path=sys.argv[2] if len(sys.argv) > 2 else "story.html")
for page in story.pages:
    print(page.text)
for warning in story.warnings:
    print("note:", warning)
print("saved", story.path)
