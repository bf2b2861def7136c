"""Cases of the tokenizer, boxes in text, the image-token rule and the learning-rate schedule."""

from __future__ import annotations

from parity_case import Report, known_fields

from seedx_finetune.training.schedule import lr_at
from seedx_sdk.model.generation import ImageTokenRule
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import TokenIds, added_tokens, box_to_pixels, clean_text, parse_bins


def tokenizer(report: Report) -> Tokenizer:
    """Read the case's tokenizer and check the ids that the case names."""
    ours = Tokenizer.from_pretrained(report.case.directory / report.case.config["tokenizer_dir"])
    named = {"bos": ours.bos_id, "eos": ours.eos_id, "pad": ours.pad_id, "unk": ours.unk_id, "vocab": len(ours)}
    for name, expected in report.case.config.get("special_ids", {}).items():
        report.check(f"id of {name}", named[name] if name in named else ours.token_to_id(name), expected)
    if len(ours.added) == len(added_tokens()):
        first = min(ours.added.values())
        report.check("order of added tokens", {name: first + i for i, name in enumerate(added_tokens())}, ours.added)
    return ours


def run_tokenizer(report: Report) -> None:
    ours = tokenizer(report)
    for row in report.rows():
        known_fields(row, {"text", "ids", "decoded_keep_special"}, report)
        report.check(f"encode {row['text']!r}", ours.encode(row["text"]), row["ids"])
        report.check(f"decode {row['text']!r}", ours.decode(row["ids"]), row["decoded_keep_special"])


def run_boxes(report: Report) -> None:
    for row in report.rows():
        text = row["text"]
        instruct = parse_bins(text)
        whole = [(x, y, w, h) for x, y, w, h in (box for box in instruct if len(box) == 4)]
        ours = {
            "boxes_base_model": parse_bins(text, opened=True) or None,
            "boxes_instruct_model": instruct or None,
            "cleaned": clean_text(text),
            "pixel_xyxy_640x480_of_instruct_boxes": [list(box_to_pixels(box, 640, 480)) for box in whole],
        }
        known_fields(row, {"text", *ours}, report)
        for name, value in ours.items():
            if name in row:
                report.check(f"{name} of {text!r}", value, row[name])


def run_logits_processor(report: Report) -> None:
    case = report.case
    names = tokenizer(report)
    tokens: TokenIds = names.token_ids(case.inputs["num_img_gen_tokens"])
    if "img_ids_list" in case.config:
        chain = [tokens.begin_image, *tokens.image, tokens.end_image]
        report.check("img_ids_list", chain, case.config["img_ids_list"])
    given = case.input("scores").clone()
    scores = ImageTokenRule(tokens, blocked=0.0)(case.input("input_ids"), given)
    report.check("scores given are left alone", bool((given == case.input("scores")).all()), True)
    report.close("scores", scores)
    report.equal("argmax", scores.argmax(dim=-1))


def run_schedule(report: Report) -> None:
    for number, row in enumerate(report.rows()):
        known_fields(row, {"type", "warmup_steps", "max_steps", "min_lr_ratio", "base_lr", "lr_at_step"}, report)
        for step, expected in row["lr_at_step"].items():
            ours = lr_at(
                int(step),
                row["type"],
                row["base_lr"],
                row.get("warmup_steps") or 0,
                row.get("max_steps") or 0,
                row.get("min_lr_ratio") or 0.0,
            )
            report.check_number(f"row {number} step {step}", ours, expected)


KINDS = {
    "tokenizer": run_tokenizer,
    "boxes": run_boxes,
    "logits_processor": run_logits_processor,
    "schedule": run_schedule,
}
