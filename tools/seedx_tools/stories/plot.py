"""The sentences of stories that are told without a language model.

{hero} and {Hero} are the heroes with a definite article, {was} agrees with them, {quest} is what they want to find out
("how to sail a blue boat"), {a} and {A} are what they meet with a number ("a yellow bird"), {the} and {The} the same
with "the". No sentence calls a hero "it", "he" or "she", and none needs another page than those before it in its
episode, so that episodes may come in any order, and end early.
"""

from __future__ import annotations

from typing import NamedTuple


class Episode(NamedTuple):
    """What happens with one kind of thing, page after page."""

    place: str
    """A background of the picture-book model."""
    pages: tuple[str, str, str]


EPISODES: dict[str, Episode] = {
    "bird": Episode(
        "meadow",
        (
            "In a wide meadow sat {a} and sang. 'Where are you going?' it asked between two songs.",
            "'I do not know {quest},' said {the}, 'but from up here I see far. Go where the sky is widest.'",
            "{The} flew ahead for a while, and {hero} followed until the song was only a small sound in the wind.",
        ),
    ),
    "tree": Episode(
        "meadow",
        (
            "The wind turned cold, and {hero} looked for shelter. There stood {a}, as if it had waited.",
            "Under {the} it was dry and still. {Hero} counted the drops until the rain was over.",
            "From the highest branch of {the}, {hero} saw the whole land, and a path that was on no map.",
        ),
    ),
    "dog": Episode(
        "meadow",
        (
            "Then {a} came running and would not stop wagging its tail. It had lost the way home.",
            "'We will look for it together,' said {hero}. They asked at every door, {the} always one step ahead.",
            "They found the house before dark. 'When you need me, I will come,' promised {the}.",
        ),
    ),
    "flower": Episode(
        "meadow",
        (
            "Beside the path, {a} hung its head. It had not rained for weeks.",
            "{Hero} fetched water, drop by drop, until {the} stood straight again.",
            "'All others walked past,' whispered {the}. 'Whoever stops for a flower will get far.'",
        ),
    ),
    "hat": Episode(
        "beach",
        (
            "A gust of wind blew {a} across the sand. {Hero} caught it just before the water did.",
            "Whose could {the} be? {Hero} asked everybody along the shore, and nobody missed it.",
            "In the evening an old sailor came looking for {the}. 'For this you may ask me a question,' he said.",
        ),
    ),
    "car": Episode(
        "meadow",
        (
            "Something rattled nearer and stopped with a bang: {a}, with a flat tire.",
            "{Hero} held the wheel while the driver of {the} turned the screws. Soon it was done.",
            "'Jump in!' And for a whole day {the} carried {hero} over hills and bridges.",
        ),
    ),
    "mushroom": Episode(
        "meadow",
        (
            "Behind the last bushes stood {a}, taller than any that {hero} had ever seen.",
            "Somebody very small lived under {the} and had a birthday without guests.",
            "So {hero} stayed and sang, and under {the} there was laughter until late.",
        ),
    ),
    "ball": Episode(
        "meadow",
        (
            "Something came rolling down a hill and stopped right in front of {hero}: {a}.",
            "Playing with {the} was fun, so much fun that {hero} nearly forgot about the journey.",
            "But {the} belonged to somebody. {Hero} left it where it would be found, and went on with a light heart.",
        ),
    ),
    "house": Episode(
        "snow",
        (
            "Snow began to fall, and every path was gone. Then there was a light: the window of {a}.",
            "'Come in!' called somebody from {the}. There was soup, and a place by the fire for {hero}.",
            "When {hero} left {the}, the sky was clear again, and somebody had swept the path.",
        ),
    ),
    "umbrella": Episode(
        "snow",
        (
            "In the snow lay {a}, wide open, as if it waited for somebody.",
            "Just then it began to hail. {The} had room for {hero} and for two frightened mice.",
            "{The} turned round and round in the wind and always pointed the same way. {Hero} took that for a sign.",
        ),
    ),
    "cup": Episode(
        "room",
        (
            "An inn stood open, and on the only table {hero} found {a}, still steaming.",
            "One sip from {the}, and {hero} felt warm all over, as on the first day of summer.",
            "Under {the} lay a note: 'For whoever comes this far. Do not turn back now.'",
        ),
    ),
    "cat": Episode(
        "room",
        (
            "In a quiet room, {a} slept in the warmest spot. It opened one eye: 'Another one who wants something.'",
            "'They all pass by here,' yawned {the}, 'and few of them rest.' So {hero} rested.",
            "In the morning {the} stretched and said: 'Go on. You are nearer than you think.'",
        ),
    ),
    "balloon": Episode(
        "beach",
        (
            "Over the dunes drifted {a}. Its string hung just low enough.",
            "{Hero} held on to the string of {the}, and the ground became small and quiet.",
            "{The} came down softly on the far side of the bay, where {hero} had never been before.",
        ),
    ),
    "fish": Episode(
        "beach",
        (
            "Out of the shallow water looked {a}. 'I heard that somebody is on a long journey,' it said.",
            "{Hero} told {the} everything from the beginning. It listened without a word.",
            "'Patience,' said {the} at last. 'The tide brings what it takes.' And it was gone with a splash.",
        ),
    ),
    "boat": Episode(
        "beach",
        (
            "At the edge of the water lay {a}, half covered with sand.",
            "{Hero} pushed and pulled until {the} was free. It took the whole afternoon.",
            "Beyond the bay the waves were gentle, and {the} carried {hero} to another shore.",
        ),
    ),
    "star": Episode(
        "night sky",
        (
            "That night {hero} could not sleep. High above shone {a}, brighter than all others.",
            "'Is it still far?' whispered {hero}. It seemed that {the} winked.",
            "Until morning {the} stood over one and the same place, as if to say: this way.",
        ),
    ),
}
"""By kind, in the order of a journey."""

UNKNOWN = Episode(
    "",
    (
        "A little further on there was {a}. {Hero} had never been so near to one.",
        "{Hero} stayed with {the} for a while, and the two had much to tell each other.",
        "Then it was time to go on. {Hero} looked back at {the} more than once.",
    ),
)
"""For a kind that has no episode of its own."""

ON_THE_WAY = (
    "The road went up and down, and {hero} sang to keep time.",
    "A bridge was broken, so the way led around it, over stones and roots.",
    "At noon {hero} rested and watched the clouds. One of them looked like home.",
    "Fog came up, and for hours there was nothing but one step after the other.",
    "A signpost had lost all its letters. {Hero} went the way that smelled of summer.",
    "Somebody had drawn an arrow in the dust. {Hero} laughed and followed it.",
    "The next day was too hot for walking, so {hero} went on by moonlight.",
    "Twice the path ended at a fence, and twice {hero} found a gap in it.",
)
"""Pages on which the heroes meet nothing, for stories that are longer than their episodes."""

DEPARTURE = {
    True: "Nobody at home could say {quest}. So one morning {hero} set out to find the answer.",
    False: "One morning everything seemed possible. {Hero} packed some bread and set out to see the world.",
}
"""Whether there is a wish."""
DOUBT = (
    "That evening {hero} sat down, tired. Was it foolish to come so far? But home was further away than ever before."
)
DISCOVERY = {
    True: "And there, in the first light of the morning, was {a}! {Hero} knew at once: the search was over.",
    False: "In the first light of the morning everything looked different: the way lay open before {hero}.",
}
"""Whether the wish names a thing that can be found."""
PARTY = {
    True: "The news was faster than the wind. {The} came all the way to see it, and nobody went to bed early.",
    False: "The news was faster than the wind. Everybody came to see it, and nobody went to bed early.",
}
"""Whether the heroes met somebody."""
HOME = "In the evening {hero} {was} home again, tired and happy, and told it all from the start."

BEGINNING = "Once upon a time there {was} {who}{where}."
WISHES = {
    "do": "More than anything, {hero} wanted to {wish}.",
    "have": "More than anything, {hero} wanted {wish}.",
    "dream": "Every night {hero} dreamed of {wish}.",
    "love": "More than anything, {hero} loved {wish}.",
    "fear": "But {hero} {was} afraid {wish}.",
    "be": "But {hero} {was} {wish}.",
    "know": "More than anything, {hero} wanted to know {wish}.",
    "tell": "This is the story of {hero} who {wish}.",
    "": "And this is what happened.",
}
"""What the first page says of a wish, by its kind."""
QUESTS = {
    "do": "how to {wish}",
    "have": "where to find {wish}",
    "dream": "where dreams come true",
    "love": "where to find more of it",
    "fear": "how to be brave",
    "be": "what helps against it",
    "know": "{wish}",
    "tell": "where it begins",
    "": "where the road ends",
}
"""What the heroes want to find out, by the kind of the wish."""
FULFILLED = {
    "do": "And so it came true: at last {hero} could {wish}, and did.",
    "have": "And so it came true: at last {hero} had {wish}.",
    "dream": "And so the dream of {wish} came true for {hero}.",
    "love": "And there, at the end of the way, was what {hero} loved most: {wish}.",
    "fear": "And {hero} noticed something: there was no reason to be afraid {wish} any more.",
    "be": "And from that day on, {hero} {was} not {wish} any more.",
    "know": "And so it came true: at last {hero} knew {wish}, and told everybody.",
    "tell": "And that is how {hero} became the one who {wish}.",
    "": "And at the end of the road, {hero} found what nobody can look for: a story to tell.",
}
"""The page on which the wish is fulfilled, by its kind."""
