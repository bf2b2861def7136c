"""Every prompt template of the model, each with its source. Training and the engine import the same ones.

`image` is the text of one or more images, from `tokens.image_block`. No template adds the start token.
"""

from __future__ import annotations

from collections.abc import Sequence

from seedx_sdk.tokens import BEGIN_IMAGE, BOX_START

__all__ = [
    "base_detect",
    "base_generate",
    "base_question",
    "chat_segments",
    "detect_question",
    "generate_request",
    "instruct",
    "instruct_generate",
    "later",
    "try_on_request",
]


def base_question(question: str, image: str) -> str:
    """Ask the base model about an image. Source: eval_img2text_seed_x.py."""
    return f"Question: {image}{question}\nAnswer:"


def base_detect(caption: str, image: str) -> str:
    """Let the base model write a box; the answer goes on inside of it. Source: eval_img2text_seed_x.py."""
    return f"{image}{caption} [[ {BOX_START}"


def base_generate(caption: str) -> str:
    """Let the base model draw; the answer starts inside the image. Source: eval_text2img_seed_x.py."""
    return f"{caption}{BEGIN_IMAGE}"


def instruct(text: str, image: str = "") -> str:
    """Ask the instruction-tuned model, also for edits.

    Source: eval_img2text_seed_x_i.py, eval_img2edit_seed_x_edit.py.
    """
    return f"[INST] {image}{text} [/INST]\n"


def instruct_generate(caption: str) -> str:
    """Ask the instruction-tuned model for an image. Source: eval_text2img_seed_x_i.py."""
    return instruct(generate_request(caption))


def generate_request(caption: str) -> str:
    """Return the request of `instruct_generate` alone, as it appears in a conversation."""
    return f"Generate an image: {caption}"


def detect_question(phrase: str) -> str:
    """Word a request for the box of something, to be put into `instruct`; ours, trained into the small model."""
    return f"Is there {phrase} in the image? If so, please output its bounding box."


def try_on_request() -> str:
    """Return the request to dress a person, to be put into `instruct` after two images: the figure, then the garment.

    Both are read in one cell, as for edits. The figure is the one that the de-tokenizer starts from, with the region of
    the garment blanked (`regions.blank_region`): in the training pairs it wears the garment, which must not show. Ours;
    the paper gives no form (appendix B names SEED-X-Try-on and its data, VITON-HD).
    """
    return "Dress the person in the first image in the garment of the second image."


def chat_segments(turns: Sequence[tuple[str, str]], text: str) -> list[str]:
    """Render a conversation: earlier (user, assistant) turns, then the new request.

    Each segment is encoded on its own, as in training. Each later turn starts on a new line; nothing else closes an
    answer.

    Source: the layout of the instruction data in sft_clm.py.
    """
    segments: list[str] = []
    for user, assistant in turns:
        segments += [later(user) if segments else instruct(user), assistant]
    return [*segments, later(text) if segments else instruct(text)]


def later(text: str) -> str:
    """Return a request that follows an answer."""
    return f"\n{instruct(text)}"
