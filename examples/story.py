"""Tell an illustrated story: python examples/story.py "a red cat who wants to sail" story.html (.pdf, .epub, .pptx)."""

from __future__ import annotations

import sys

from seedx_sdk import SeedX
from seedx_tools import tell_story

prompt = sys.argv[1] if len(sys.argv) > 1 else "a red cat on the beach who wants to sail a blue boat"
story = tell_story(SeedX(), prompt, pages=6, path=sys.argv[2] if len(sys.argv) > 2 else "story.html")
for page in story.pages:
    print(page.text)
print("saved", story.path)
