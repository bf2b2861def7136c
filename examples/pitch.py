"""A pitch with pictures: some that the model draws, some that it changes, and one of your own.

python examples/pitch.py [pitch.pptx]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

from seedx_sdk import EditedImage, GeneratedImage, SeedX
from seedx_tools import check_deck, make_slides

OUTLINE = """# The boat school
Every child on the coast can sail
![a red boat on the beach](draw)

## Nobody teaches sailing where the water is
- Nine of ten schools on the coast have no boat
- Clubs start at EUR 900 a year
- Parents ask us for places that we do not have
![a blue boat on the beach](draw)

## A small boat, a safe bay, two hours a week
- Boats of 3 m that two children rig alone
- One teacher for six children, all with a license
- Lessons from April to October, also in rain
![the course around three buoys](course)

## We sail by day and in winter
![in summer](day)
![in winter](winter)

## Every season fills faster

```chart bar: Pupils
Year,Pupils
2022,18
2023,25
2024,41
2025,66
2026,96
```

- All places of 2027 were taken in nine days
- Two of three pupils come back

Source: our own register

## What the school earns

```kpis
EUR 380 | per pupil and season | paid by parents or the town
EUR 210 | costs | boats, teachers, harbor
EUR 16,300 | surplus in 2026 | all of it goes into boats
```

## We ask for EUR 120,000

```process
Boats: eight more, EUR 64,000
Teachers: three, for two seasons
Second harbor: from spring 2027
200 pupils: by the end of 2028
```

## Thank you
Ann Lee, ann@boats.example
"""


def course() -> Image.Image:
    """Draw a sailing course around three buoys."""
    image = Image.new("RGB", (1200, 900), "#CFE6F2")
    pen = ImageDraw.Draw(image)
    pen.polygon([(0, 900), (0, 690), (260, 760), (620, 720), (1200, 830), (1200, 900)], fill="#E7D3A8")
    buoys = [(240, 560), (640, 160), (980, 520)]
    for start, end in zip(buoys, (*buoys[1:], buoys[0]), strict=True):
        for part in range(0, 20, 2):
            points = [
                (start[0] + (end[0] - start[0]) * share / 20, start[1] + (end[1] - start[1]) * share / 20)
                for share in (part, part + 1)
            ]
            pen.line(points, fill="#12355B", width=8)
    for x, y in buoys:
        pen.ellipse((x - 34, y - 34, x + 34, y + 34), fill="#D1495B")
    pen.polygon([(430, 430), (430, 250), (540, 430)], fill="#FFFFFF", outline="#12355B", width=5)
    pen.polygon([(390, 445), (570, 445), (530, 490), (420, 490)], fill="#12355B")
    return image


if __name__ == "__main__":
    seedx = SeedX()
    day = seedx.generate("a red boat on the beach", seed=3)
    assert day.image is not None
    winter = seedx.edit(day.image, "change the background to a snowy field", seed=3)
    files: Mapping[str, GeneratedImage | EditedImage | Image.Image] = {"day": day, "winter": winter, "course": course()}
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "pitch.pptx")
    deck = make_slides(seedx, OUTLINE, path=path, theme="studio", files=files)
    for warning in deck.warnings:
        print("note:", warning)
    for finding in check_deck(path).findings:
        print("fault:", finding.slide, finding.message)
    print("saved", deck.path, "with", len(deck.slides), "slides")
