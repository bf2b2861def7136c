"""Ask about a picture: python examples/describe.py picture.png "how many boats are there?"."""

from __future__ import annotations

import sys

from seedx_sdk import SeedX

seedx = SeedX()
if len(sys.argv) > 1:
    picture = sys.argv[1]
    question = sys.argv[2] if len(sys.argv) > 2 else None
    print(seedx.describe(picture, question).text)
else:
    drawn = seedx.generate("a red house and a green tree in a meadow").image
    assert drawn is not None  # only force_image=False can give no picture
    print(seedx.describe(drawn).text)
    print(seedx.describe(drawn, "what color is the house?").text)
