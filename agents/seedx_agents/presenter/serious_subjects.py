"""No decorative images on serious subjects: a red balloon beside a notice of layoffs hurts.

A chat model decides for itself which slides get an image. What it leaves open, and everything where there is none, is
decided by SERIOUS_WORDS: a deck whose title or prompt has one of them gets only images that were asked for, and so does
a single slide. `Presenter(pictures=True)` generates all images nevertheless.
"""

from __future__ import annotations

import re

from seedx_tools.decks.outline import Outline, SlidePlan

_WORDS = {
    "death and grief": (
        "obituary, obituaries, funeral, memorial, condolence, condolences, mourning, bereavement, grief, death, "
        "deaths, died, dying, deceased, passed away, in memory of, in memoriam, loss of life, suicide, self-harm, "
        "stillbirth, miscarriage, eulogy, farewell to, hospice, palliative"
    ),
    "work": (
        "layoff, layoffs, lay off, laid off, job cuts, redundancies, downsizing, dismissal, dismissals, "
        "severance, bankruptcy, insolvency, foreclosure, plant closure, whistleblower"
    ),
    "health": (
        "medical, clinical, patient, patients, diagnosis, cancer, tumor, oncology, chemotherapy, surgery, "
        "disease, illness, dementia, heart attack, epidemic, pandemic, overdose, addiction, mortality, adverse "
        "event, adverse events, side effects, mental health, depression, disability"
    ),
    "law and crime": (
        "legal, lawsuit, lawsuits, litigation, court case, court ruling, supreme court, verdict, "
        "indictment, prosecution, subpoena, settlement agreement, custody, divorce, crime, murder, "
        "homicide, assault, rape, abuse, harassment, discrimination, racism, domestic violence, fraud, victim, "
        "victims, prison, data breach, security breach"
    ),
    "accidents, disasters and war": (
        "accident, accidents, car crash, plane crash, train crash, derailment, injury, injuries, injured, war, "
        "genocide, holocaust, massacre, terrorism, terrorist, shooting, bombing, refugee, refugees, "
        "fatality, fatalities, fatal, casualty, casualties, disaster, earthquake, tsunami, hurricane, flood, "
        "floods, wildfire, wildfires, explosion, incident report, safety incident, product recall, famine, hunger "
        "crisis, slavery, torture, evacuation"
    ),
}
SERIOUS_WORDS = tuple(word for words in _WORDS.values() for word in words.split(", "))
"""English words and phrases that make a subject serious; matched as whole words, in any case."""
_SERIOUS = re.compile(rf"\b(?:{'|'.join(map(re.escape, SERIOUS_WORDS))})\b", re.IGNORECASE)
_HARMLESS = re.compile(
    r"\b(?:photo shooting|shooting stars?|fatal errors?|tug of war|star wars?|war and peace)\b", re.IGNORECASE
)


def serious_word(text: str) -> str | None:
    """Return the first of SERIOUS_WORDS in a text, or None."""
    found = _SERIOUS.search(_HARMLESS.sub("", text))
    return found.group(0).lower() if found else None


def without_decoration(outline: Outline, subject: str) -> Outline:
    """Return an outline whose serious slides get only the images that it names, with a warning that says so.

    Args:
        outline: The deck.
        subject: What the user asked for, if it is a prompt.
    """
    cover = " ".join((subject, outline.title, outline.subtitle))
    words = [serious_word(cover)]
    words += [words[0] or serious_word(f"{slide.title} {' '.join(slide.bullets)}") for slide in outline.slides]
    plans = [outline.picture, *(slide.picture if slide.wants_picture else "" for slide in outline.slides)]
    bare = [bool(word) and picture is None for word, picture in zip(words, plans, strict=True)]
    if not any(bare):
        return outline
    named = ", ".join(f"'{word}'" for word in dict.fromkeys(filter(None, words)))
    count = sum(bare)
    warning = (
        f"{count} {'slide has' if count == 1 else 'slides have'} no image, because the subject is serious "
        f"({named}); pictures=True generates them"
    )
    slides = tuple(_bare(slide) if left else slide for slide, left in zip(outline.slides, bare[1:], strict=True))
    picture = "" if bare[0] else outline.picture
    return outline.model_copy(update={"picture": picture, "slides": slides, "warnings": (*outline.warnings, warning)})


def undecorated(slide: SlidePlan, subject: str) -> SlidePlan:
    """Return a slide that, if it is serious, gets only the image that it names."""
    if slide.picture is None and serious_word(f"{subject} {slide.title} {' '.join(slide.bullets)}"):
        return _bare(slide)
    return slide


def _bare(slide: SlidePlan) -> SlidePlan:
    return slide.model_copy(update={"picture": ""})
