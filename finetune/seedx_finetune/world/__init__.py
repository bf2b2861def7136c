"""The picture book: a small world of flat drawings with exact captions, boxes, questions and edits.

`sample_scene` and `sample_arranged_scene` make a page, `render` draws it, `caption`, `describe`, `questions` and
`referring` put it in text, `sample_edit` makes a page, an instruction and the page after it. All of it is a pure
function of a NumPy generator.
"""

from seedx_finetune.world.edits import EDIT_KINDS, EditKind, EditPair, sample_edit, sample_instruction
from seedx_finetune.world.language import NUMBER_WORDS, caption, count_noun, describe, facts, parse_description
from seedx_finetune.world.questions import QA, QuestionType, how_many, is_there, questions
from seedx_finetune.world.references import references, referring
from seedx_finetune.world.render import render
from seedx_finetune.world.scene import (
    SPOTS,
    Box,
    Relation,
    Scene,
    Thing,
    box_around,
    place,
    region_of,
    relation_between,
    relations,
    sample_arranged_scene,
    sample_scene,
)
from seedx_finetune.world.vocabulary import (
    BACKGROUNDS,
    COLORS,
    HELD_OUT_PAIRS,
    KINDS,
    PAIRS,
    SEEN_PAIRS,
    SIZES,
    Background,
    Pair,
    SizeName,
    held_out,
    plural,
)

__all__ = [
    "BACKGROUNDS",
    "COLORS",
    "EDIT_KINDS",
    "HELD_OUT_PAIRS",
    "KINDS",
    "NUMBER_WORDS",
    "PAIRS",
    "QA",
    "SEEN_PAIRS",
    "SIZES",
    "SPOTS",
    "Background",
    "Box",
    "EditKind",
    "EditPair",
    "Pair",
    "QuestionType",
    "Relation",
    "Scene",
    "SizeName",
    "Thing",
    "box_around",
    "caption",
    "count_noun",
    "describe",
    "facts",
    "held_out",
    "how_many",
    "is_there",
    "parse_description",
    "place",
    "plural",
    "questions",
    "references",
    "referring",
    "region_of",
    "relation_between",
    "relations",
    "render",
    "sample_arranged_scene",
    "sample_edit",
    "sample_instruction",
    "sample_scene",
]
