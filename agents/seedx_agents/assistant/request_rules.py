"""Reads a request by the first words of its clauses: what is to be done, and to which images.

Only English is read. One action is done after the other; what no rule matches is an action of its own, so the answer
can name it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from seedx_agents.assistant.image_references import GROUPS, MARK, ORDINALS, Marked, mark_images
from seedx_agents.assistant.listed_things import listed, one_edit_each, says_what_becomes

Kind: TypeAlias = Literal[
    "draw",
    "edit",
    "find",
    "look",
    "compare",
    "save",
    "use",
    "undo",
    "redo",
    "again",
    "deck",
    "story",
    "help",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a request asks for."""

    kind: Kind
    text: str = ""
    """The prompt, instruction, phrase or question; else the clause itself."""
    images: tuple[str, ...] = ()
    """References to images, as in image_references.Marked; empty if it names none."""
    count: int = 1
    """How many images of a prompt, or how many changes to undo or redo."""
    files: tuple[str, ...] = ()
    """The files to save as, if the request names some; ".jpg" names only the format."""
    pages: int | None = None
    """Pages of a story."""


_ON_AN_IMAGE = ("edit", "find", "look", "save")
_NUMBERS = {word: number for number, word in enumerate("one two three four five six seven eight nine ten".split(), 1)}
_NUMBER = rf"(?:\d{{1,2}}|{'|'.join(_NUMBERS)})"
_POLITE = re.compile(
    r"^\W*(?:(?:please|now|then|next|and|but|so|ok|okay|hi|hello|hey|thanks|thank you|great|nice|cool|perfect|no|oops|"
    r"hmm|sorry|wait|actually|well|maybe|just|also|instead|let's|lets|can you|could you|would you|will you|can we|"
    r"could we|never mind|i(?:'d| would) like (?:you )?to|i want to|i want you to|i need you to|go ahead and|try to|"
    r"you (?:can|should))\b[\s,.!]*)*",
    re.I,
)
_THANKS = re.compile(r"[\s,]*\b(?:please|for me|thanks|thank you)\b[\s.!]*$", re.I)
_START = (
    r"(?:draw|sketch|paint|generate|create|imagine|make|turn|colou?r|recolou?r|repaint|change|remove|delete|erase|add|"
    r"put|replace|swap|move|give|get rid|take away|take out|find|detect|locate|describe|caption|compare|save|export|"
    r"undo|redo|go back|use (?:the|image)|show me|tell me|send|e-?mail|upload|share|print|crop|rotate|resize|flip|"
    r"mirror)"
)
_QUESTION = (
    r"(?:what|which|who|whose|where|when|why|how|is|are|was|were|does|do|did|has|have|can|could|may|will|would|should)"
)
_JOIN = r"(?:\s*[.;!?,\n]\s*(?:(?:and|then|but|also|afterwards|after that)\b[\s,]*)*|\s+(?:(?:and|then|but)\b[\s,]*)+)"
_CLAUSES = re.compile(rf"{_JOIN}(?=(?:(?:please|also|finally|now)\s+)?{_START}\b)", re.I)
_CLAUSES_OR_QUESTIONS = re.compile(
    rf"{_JOIN}(?=(?:(?:please|also|finally|now)\s+)?(?:{_START}|what|where|how many|is there|are there)\b)", re.I
)

_WHOLE = (
    r"(?:it|that|this|them|everything|"
    r"the (?:last|latest|previous) (?:change|edit|one|step|thing|image)(?: you (?:did|made))?|"
    r"(?:my|your|the) (?:last )?(?:change|edit)s?)"
)
_UNDO = re.compile(
    rf"(?:undo(?: {_WHOLE})?|revert(?: {_WHOLE})?|take (?:it|that) back|roll (?:it |that )?back|step back|back|"
    r"go back(?: (?:one|a) step)?|"
    r"(?:change|put|turn|make|set) (?:it|that|them) back(?: (?:to )?(?:how|the way|what|as) it was)?|"
    r"restore (?:it|that)|go back to (?:how|the way|what|as) it was)(?: again)?",
    re.I,
)
_UNDO_MANY = re.compile(rf"(?:undo|go back|revert)(?: the)?(?: last)? ({_NUMBER}|twice)(?: \w+)?", re.I)
_REDO = re.compile(r"redo(?: it| that| the (?:last )?(?:change|edit))?|undo the undo", re.I)
_AGAIN = re.compile(
    r"(?:try|do|draw|make|paint|generate)(?: (?:it|that))?(?: once)? (?:again|more|over)|again|"
    r"another(?: one| try)?|one more|"
    r"(?:draw|make|give me|show me|try|generate) (?:me )?(?:another(?: one)?|a different one|one more)|"
    r"(?:once|one) more(?: time)?|repeat(?: that| it)?",
    re.I,
)
_USE = re.compile(
    r"(?:(?:go|switch|get|come|change|return|back) back to|(?:switch|return|back) to|use|take|continue (?:with|from)|"
    r"go on with|work (?:on|with)|keep|pick|choose|select|show me|i (?:like|liked|prefer|preferred|want)|in|on|for|"
    rf"with|from)?\s*{MARK}(?: (?:again|better|more|instead|back|now|from now on|was better))*",
    re.I,
)
_THAT_ONE = re.compile(r"(?:go|switch|get|change) back to (?:it|that(?: one)?)|use (?:it|that(?: one)?)", re.I)
_HELP = re.compile(
    rf"help(?: me)?|(?:what|how much) (?:else )?can you\b.*|what do you do|(?:who|what) are you|"
    rf"(?={_QUESTION}\b).*\b(?:undo|redo|undone|save[ds]?|saving|your tools)\b.*|"
    r"(?:how|can|could|may) (?:do|does|can|should|could|i|we|one)\b.*"
    r"\b(?:slides?|deck|presentation|story|edit|draw)\b.*",
    re.I | re.S,
)
_COMPARE = re.compile(
    rf"compare\b|which (?:image|picture|photo|drawing|of (?:them|these|the two))\b|"
    rf"(?:what|where)(?:'s| is| are| was)? (?:the )?(?:main )?(?:different|differences?)(?=\W*$|\W*{MARK}"
    r"| (?:between|in|from|here|now|about|to|compared|with)\b)|"
    r"(?:(?:tell|show) me |describe |list |spot |find |name )?(?:all )?(?:the )?differences?\b|"
    r"how (?:do|does|did|is|are)\b.*\b(?:differ|different)\b|what(?:'s| has| have you| did you)? changed?\b(?! to\b)",
    re.I | re.S,
)
_FIND = re.compile(
    r"(?:find|detect|locate|mark|point (?:at|to)|(?:show me )?where (?:is|are)|where's)\s+(.+)", re.I | re.S
)
_PICTURE_OF = re.compile(
    rf"(?:(?:an?|one|another|some) |({_NUMBER}) )(?:(?:new|nice|different|more) )?"
    r"(?:pictures?|images?|drawings?|photos?|paintings?|versions?)\b\s*(?:of|with|showing|:)?\s*(.*)",
    re.I | re.S,
)
_ONE_PICTURE = r"(?:an?|one|another) (?:picture|image|drawing|photo|painting)"
_DRAW = re.compile(
    r"(?:draw|sketch|imagine|illustrate|generate|create|design|render|"
    r"paint (?!the\b|it\b|this\b|that\b|them\b|all\b|every)|(?:show|give) me (?=(?:an?|some|two|three|four)\b)|"
    r"i(?:'d| would)? (?:want|need|like) (?=an? (?:picture|image|drawing)))"
    r"\s*(?:me\s+)?(.+)",
    re.I | re.S,
)
_MAKE_NEW = re.compile(r"make\s+(?:me\s+)?((?:an?|some|two|three|four)\s.+)", re.I | re.S)
_EDIT = re.compile(
    r"(?:make\b(?! (?:sure|sense|up)\b)|turn|paint|colou?r(?! of\b)|recolou?r|repaint|dye|change|"
    r"remove|delete|erase|get rid of|take away|take out|add|put|place|insert|replace|swap|move|give|fill|hide)\b",
    re.I,
)
_PICTURE = r"(?:(?:the|this|that|my) (?:picture|image|photo|drawing))"
_TELL = re.compile(rf"^(?:tell me|describe|explain)\s+(?:(?:if|about)\s+|(?={_QUESTION}\b|the differences?\b))", re.I)
_TO_THE_ASSISTANT = re.compile(r"(?!.*\b(?:see|find|count|recogni[sz]e)\b).*\b(?:i|you)\b", re.I | re.S)
_CAPTION = re.compile(
    rf"(?:describe|caption|look)\b|"
    rf"what(?:'s| is) (?:this|that|{MARK}|(?:in|on) (?:it|this|that|{MARK}|{_PICTURE}))\W*$|"
    rf"what (?:(?:do|can) )?you see(?: (?:in|on) (?:it|this|{MARK}|{_PICTURE})| now| here| there)?\W*$|"
    rf"what (?:do|does) (?:it|this|{MARK}|{_PICTURE}) show\W*$",
    re.I,
)
_LEADING = re.compile(rf"^(?:(?:in|on|for|with|from)\s+)?{MARK}(?:\s*[,:;-]\s*|\s+)(?=\w)", re.I)
_WHOLE_IMAGE = re.compile(rf"(?:remove|delete|erase|get rid of)\s+(?:{MARK}|{_PICTURE})", re.I)
_COUNT = re.compile(r"count\s+(?:all\s+)?(?:the\s+)?(.+)", re.I)
_SAVE = re.compile(
    r"(?:save|store|export|download|write)\b(.*?)(?:\s+(?:as|to|in|into|under|at)\s+(\S.*))?", re.I | re.S
)
_SAVED = re.compile(
    rf"(?:(?:it|this|that|them|both|all|everything|and|the|my|image|images|picture|photo|drawing|result|edited|new|one|"
    rf"{MARK})?[\s,]*)*",
    re.I,
)
_DOCUMENT_SAVED = re.compile(r"(?:save|store|export)\b.*\b(?:slides?|deck|presentation|story|tale|book)\b", re.I)
_FILE = re.compile(r"\"([^\"]+)\"|'([^']+)'|([\w./~-]*\w\.\w{2,5})\b")
_FORMAT = re.compile(r"(?:an? )?\.?(png|jpe?g|webp)(?: file| image)?", re.I)
_SOME_FILE = re.compile(r"(?:an? |the )?(?:file|disk|image file)", re.I)
_TO_FILE = re.compile(
    r"[\s,]*(?:\b(?:and\s+|then\s+)*(?:save|store|export)\s+(?:it|them|this|that)?\s*)?(?:\b(?:as|to|in|into|under|at)\s+)?"
    r"([\w./~-]*\w\.(?:pptx|html?|pdf|epub))\b",
    re.I,
)
_SEND = re.compile(rf"{_JOIN}(?=(?:send|e-?mail|upload|share|print|post)\b)", re.I)


def _document_request(noun: str) -> re.Pattern[str]:
    """Return how requests for a document begin: "make five slides", "a story about ...", "turn it into a deck"."""
    word = r"(?:(?!(?:about|of|on|with|in|from|as|for|is|are|the|this|that|it)\b)[\w'-]+\s+)"
    makes = (
        r"(?:make|create|generate|write|prepare|build|produce|put together|do|give|tell|draft|invent|come up with|"
        rf"design|read|i (?:want|need)|i'd like)\s+(?:up\s+)?{word}{{0,6}}?{noun}\b"
    )
    names = rf"(?!(?:{_START}|{_QUESTION}|save|my|your)\b){word}{{0,5}}?{noun}\b\s*"
    follows = r"(?:[:,]|\b(?:about|on|of|for|with|in|from|where|who|as|called|titled)\b|$)"
    into = rf"(?:turn|make|convert|put)\b.{{0,200}}?\b(?:into|it|this|them)\s+(?:an?\s+)?(?:[\w'-]+\s+){{0,4}}{noun}\b"
    return re.compile(rf"{makes}|{names}{follows}|{into}", re.I | re.S)


_DOCUMENTS: Mapping[Literal["deck", "story"], re.Pattern[str]] = {
    "deck": _document_request(
        r"(?:slides|slide deck|deck|presentation|powerpoint|pptx|slide(?=\s+(?:about|on|for|called|titled)\b))"
    ),
    "story": _document_request(r"(?:story|stories|tale|fairy tale|storybook|picture book)"),
}
_PAGES = re.compile(rf"\b({_NUMBER})[- ]pages?\b", re.I)


def read_request(text: str, labels: Iterable[str]) -> list[Action]:
    """Return the actions of a request, in order; one of kind "unknown" for each clause that no rule matches.

    Args:
        text: What the user wrote.
        labels: What the user calls images.
    """
    bare = _bare(text)
    if document := [*_document(bare)]:
        return document
    split = _CLAUSES_OR_QUESTIONS if bare.endswith("?") else _CLAUSES
    actions: list[Action] = []
    for clause in split.split(bare):
        previous = actions[-1] if actions else None
        following = _read(_bare(clause), tuple(labels), previous)
        if previous is not None and previous.kind == "use" and following and not following[0].images:
            if following[0].kind in _ON_AN_IMAGE:  # "image:2, make the house red"
                actions.pop()
                following[0] = replace(following[0], images=previous.images)
        actions += following
    return actions


def _bare(text: str) -> str:
    return _THANKS.sub("", _POLITE.sub("", text)).strip()


def _document(text: str) -> Iterator[Action]:
    """Yield the deck or story that a request asks for; its subject may hold anything, so it is not taken apart."""
    text, *elsewhere = _SEND.split(text)
    for kind, makes in _DOCUMENTS.items():
        if makes.match(text):
            file, pages = _TO_FILE.search(text), _PAGES.search(text)
            yield Action(
                kind,
                text=_TO_FILE.sub("", text).strip(),
                files=(file.group(1),) if file else (),
                pages=_number(pages.group(1)) if pages else None,
            )
            yield from (Action("unknown", clause) for clause in elsewhere)
            return


def _read(clause: str, labels: tuple[str, ...], previous: Action | None) -> list[Action]:
    if _DOCUMENT_SAVED.match(clause):
        return [Action("unknown", clause)]
    if clause.lower().startswith(("save", "store", "export", "download", "write")):
        if (saved := _save(clause, labels)) is not None:
            return [saved]
    marked = mark_images(clause, labels)
    plain = marked.text.strip(" .!?")
    if previous is not None and previous.kind == "use" and _THAT_ONE.fullmatch(plain):
        return []
    if (action := _about_the_conversation(plain, marked)) is not None:
        return [action]
    if _HELP.fullmatch(plain):
        return [Action("help", clause)]
    question = clause.endswith("?") or re.match(rf"{_QUESTION}\b", clause, re.I) is not None
    groups = [reference for reference in marked.references if reference in GROUPS]
    if _COMPARE.match(_TELL.sub("", plain)) or (
        question and (groups or len(marked.references) > 1) and not _FIND.match(plain)
    ):
        return [Action("compare", _by_position(marked), marked.references)]
    return [*_work(plain, marked, previous, question)] or [Action("unknown", clause)]


def _about_the_conversation(plain: str, marked: Marked) -> Action | None:
    if _UNDO.fullmatch(plain):
        return Action("undo")
    if many := _UNDO_MANY.fullmatch(plain):
        return Action("undo", count=2 if many.group(1).lower() == "twice" else _number(many.group(1)))
    if _REDO.fullmatch(plain):
        return Action("redo")
    if _AGAIN.fullmatch(plain):
        return Action("again")
    if len(marked.references) == 1 and marked.references[0] not in GROUPS and _USE.fullmatch(plain):
        return Action("use", images=marked.references)
    return None


def _work(plain: str, marked: Marked, previous: Action | None, question: bool) -> Iterator[Action]:
    """Yield the actions of a clause that draws, looks, finds or edits."""
    images = marked.references
    plain = _LEADING.sub("", plain)
    if found := _FIND.match(plain):
        for phrase in listed(_without_marks(found.group(1))):
            yield Action("find", phrase, images)
    elif drawn := _DRAW.match(plain):
        yield from _drawings(drawn.group(1), images)
    elif (new := _MAKE_NEW.match(plain)) and not says_what_becomes(new.group(1)):
        yield from _drawings(new.group(1), images)
    elif _EDIT.match(plain) and not _WHOLE_IMAGE.fullmatch(plain):
        instruction = _without_marks(plain)
        if previous is not None and previous.kind == "find":
            instruction = re.sub(r"\bit\b", previous.text, instruction, count=1, flags=re.I)
        for number, one in enumerate(one_edit_each(instruction)):
            yield Action("edit", one, images if number == 0 or images[:1] in (("both",), ("all",)) else ())
    elif _CAPTION.match(plain) or (images and not plain.strip(MARK)):
        yield Action("look", "", images)
    elif counted := _COUNT.match(plain):
        yield Action("look", f"how many {_without_marks(counted.group(1))} are there?", images)
    elif (question or _TELL.match(plain)) and not _TO_THE_ASSISTANT.match(plain):
        asked = _TELL.sub("", plain)
        caption = _CAPTION.match(asked) or not asked.strip(MARK)
        yield Action("look", "" if caption else f"{_asked(_without_marks(asked))}?", images)
    elif _PICTURE_OF.fullmatch(plain):
        yield from _drawings(plain, images)


def _asked(text: str) -> str:
    """Return an indirect question as a direct one: "what color the house is" asks "what color is the house"."""
    text = re.sub(r"^(how many .+?) there are$", r"\1 are there", text, flags=re.I)
    return re.sub(r"^(what colou?r|where) ((?:the|a|an) .+) (is|are)$", r"\1 \3 \2", text, flags=re.I)


def _drawings(text: str, images: tuple[str, ...]) -> Iterator[Action]:
    """Yield a drawing for each prompt: "two images: a cat and a dog" and "a cat, then a dog" are two."""
    first, *others = re.split(rf"(?:\s*,\s*|\s+)(?:and\s+)?(?={_ONE_PICTURE} of\b)", text)
    if others and first:
        yield from (action for part in (first, *others) for action in _drawings(part, images))
        return
    count = 1
    if pictured := _PICTURE_OF.fullmatch(text):
        count, rest = _number(pictured.group(1) or "one"), pictured.group(2)
        prompts = listed(rest)
        if count > 1 and len(prompts) == count:
            yield from (Action("draw", prompt, images) for prompt in prompts)
            return
        text = rest or text
    for prompt in re.split(r"(?:\s*,|\s+and)?\s+then\s+(?=(?:an?|the|two|three|four)\b)", text):
        yield Action("draw", re.sub(r"^another\b", "a", _without_marks(prompt), flags=re.I), images, count)


def _save(clause: str, labels: tuple[str, ...]) -> Action | None:
    found = _SAVE.fullmatch(clause.strip(" !?"))
    if found is None:
        return None
    marked, where = mark_images(found.group(1).strip(), labels), (found.group(2) or "").rstrip(".")
    if _SAVED.fullmatch(marked.text.rstrip(".")) is None:
        return None
    files = tuple(next(filter(None, match.groups())) for match in _FILE.finditer(where))
    if not files and where and not _SOME_FILE.fullmatch(where):
        kind = _FORMAT.fullmatch(where)
        if kind is None and re.fullmatch(r"[\w-]+", where) is None:
            return None
        files = (f".{kind.group(1).lower()}",) if kind else (f"{where}.png",)
    references = marked.references
    if not references and (group := re.search(r"\b(both|all|everything|them)\b", marked.text, re.I)):
        references = ("all" if group.group(1).lower() in ("all", "everything") else "both",)
    return Action("save", clause, references, files=files)


def _without_marks(text: str) -> str:
    """Return a text without its references; one that is an object becomes "it"."""
    several = rf"{MARK}(?:\s*(?:,|and)\s*{MARK})*"
    text = re.sub(rf"\s*\b(?:in|on|of|from|at|with|using)\s+{several}", "", text, flags=re.I)
    return re.sub(several, "it", text).strip(" .,!?")


def _by_position(marked: Marked) -> str:
    """Return a question about several images, of which a model sees the pixels in this order, and no names."""
    text = marked.text
    if not {*GROUPS}.isdisjoint(marked.references):
        return re.sub(MARK, "these images", text)
    for ordinal in ORDINALS[: len(marked.references)]:
        text = text.replace(MARK, f"the {ordinal} image", 1)
    return text


def _number(word: str) -> int:
    return _NUMBERS.get(word.lower()) or int(word)
