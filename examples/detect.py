"""Find things and save the picture with their boxes: python examples/detect.py [picture.png "the red house"]."""

from __future__ import annotations

import sys

from seedx_sdk import SeedX
from seedx_sdk.imaging import ImageSource, save_image

seedx = SeedX()
picture: ImageSource | None = sys.argv[1] if len(sys.argv) > 1 else seedx.generate("a red house and a green tree").image
phrase = sys.argv[2] if len(sys.argv) > 2 else "the red house"
assert picture is not None
found = seedx.detect(picture, phrase)
for box in found.boxes:
    print(box.label, "at", box.pixels, "of", found.annotated.size)
print("saved", save_image(found.annotated, "detect.png"))
