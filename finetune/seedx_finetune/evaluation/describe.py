"""Scores of seeing: facts in descriptions, and answers to questions by type."""

from __future__ import annotations

import re
from collections import Counter

from seedx_finetune.evaluation.pages import QUESTION_TYPES, pages_to_describe, questions_to_ask
from seedx_finetune.evaluation.prompts import Split
from seedx_finetune.evaluation.statistics import Metric, average, by_background, proportion, ratio
from seedx_finetune.evaluation.subject import OnSample, Subject
from seedx_finetune.world import COLORS, NUMBER_WORDS, QA, Pair, facts, parse_description, render

_PLACES = frozenset({"top", "bottom", "left", "right", "middle"})
_ZERO = ("none", "no", "zero")


def score_descriptions(
    subject: Subject, split: Split, count: int, seed: int, *, on_sample: OnSample
) -> dict[str, Metric]:
    """Return `precision`, `recall` and `f1` of (color, kind, count) facts over `count` pages, and `exact` descriptions.

    `exact` is the fraction of pages whose facts are all right, `exact_in_<background>` that of pages with it.

    A fact is right when color, kind and number are all right: "three red cats" for two is a wrong fact and a missing
    one. Facts are pooled over all pages; the intervals are bootstrapped over pages, so `n` counts pages.
    """
    hits, stated, true = [], [], []
    scenes = pages_to_describe(split, count, seed)
    for i, scene in enumerate(scenes):
        answer = subject.describe(render(scene), seed=seed + i).text
        claimed, actual = _triples(parse_description(answer)[1]), _triples(facts(scene))
        hits.append(len(claimed & actual))
        stated.append(len(claimed))
        true.append(len(actual))
        on_sample(f"describe ({split})")
    exact = [hit == s == t for hit, s, t in zip(hits, stated, true, strict=True)]
    metrics = {
        "precision": ratio(hits, stated),
        "recall": ratio(hits, true),
        "f1": ratio([2 * hit for hit in hits], [s + t for s, t in zip(stated, true, strict=True)]),
        "exact": proportion(exact),
    }
    return metrics | by_background("exact", exact, [scene.background for scene in scenes])


def score_answers(subject: Subject, split: Split, count: int, seed: int, *, on_sample: OnSample) -> dict[str, Metric]:
    """Return `qa_<type>`, the fraction of right answers to `count` questions of a type, and `qa_mean`, their mean."""
    outcomes: dict[str, list[bool]] = {f"qa_{type_}": [] for type_ in QUESTION_TYPES}
    for i, (scene, question) in enumerate(questions_to_ask(split, count, seed)):
        answer = subject.describe(render(scene), question.question, seed=seed + i).text
        outcomes[f"qa_{question.type}"].append(is_right(question, answer))
        on_sample(f"answer questions ({split})")
    metrics = {name: proportion(values) for name, values in outcomes.items()}
    return metrics | {"qa_mean": average(list(metrics.values()))}


def is_right(question: QA, answer: str) -> bool:
    """Return whether an answer says what the true one says, whatever words are around it.

    - yes_no: its first word is the right one of yes and no.
    - color, count: it names the right color or number and no other.
    - where: it names the right ones of top, bottom, left, right and middle and no others.
    - relation: it names the right color and kind and no other thing.
    - background: it names the right background.
    """
    words = re.findall(r"[a-z]+|\d+", answer.lower())
    if question.type == "yes_no":
        return words[:1] == [question.answer]
    if question.type == "color":
        return {word for word in words if word in COLORS} == {question.answer}
    if question.type == "count":
        return {_number(word) for word in words} - {None} == {_number(question.answer)}
    if question.type == "where":
        return _PLACES & set(words) == _PLACES & set(question.answer.split())
    if question.type == "relation":
        return parse_description(answer)[1].keys() == parse_description(question.answer)[1].keys()
    return parse_description(answer)[0] == parse_description(question.answer)[0]


def _triples(counted: Counter[Pair]) -> set[tuple[str, str, int]]:
    return {(color, kind, number) for (color, kind), number in counted.items()}


def _number(word: str) -> int | None:
    if word in _ZERO:
        return 0
    if word in NUMBER_WORDS:
        return NUMBER_WORDS.index(word)
    return int(word) if word.isdecimal() else None
