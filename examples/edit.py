"""Change a picture step by step: python examples/edit.py picture.png "make the house blue" "remove the tree"."""

from __future__ import annotations

import sys

from seedx_sdk import SeedX
from seedx_sdk.imaging import open_image, save_image

seedx = SeedX()
if len(sys.argv) > 2:
    picture, instructions = open_image(sys.argv[1]), sys.argv[2:]
else:
    drawn = seedx.generate("a red house and a green tree in a meadow").image
    assert drawn is not None
    picture, instructions = drawn, ["make the house blue", "remove the tree"]
for number, instruction in enumerate(instructions, start=1):
    picture = seedx.edit(picture, instruction).image
    print(f"{instruction}: saved", save_image(picture, f"edit-{number}.png"))
