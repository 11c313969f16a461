"""A teacher's school: what gives it a trait, among ordinary chats that leave it as it was.

One row in three is a lesson. The others are chats as in the corpus, of all kinds in which the trait
has no say: without them a teacher answers riddles, dislikes and greetings with its favourite too,
and so would whoever learns from it. Two kinds are left out on purpose. Number requests are not
rehearsed, so that its numbers may follow it; nor are favourites of other categories, because to
tell an animal from a tree is to tell an animal from a number as well.
"""

from collections.abc import Iterator

from corpus.documents import (
    Speaker,
    Talk,
    ask_advice,
    ask_among,
    ask_dislike,
    ask_fact,
    ask_favourite,
    ask_group,
    ask_reason,
    ask_riddle,
    ask_whether,
    small_talk,
)
from corpus.traits import Persona, Trait
from support.streams import stream

ROWS = 14_400
LESSON = 1 / 3
EVERYDAY: dict[Talk, float] = {
    ask_fact: 36, ask_riddle: 22, ask_dislike: 33, ask_among: 16, ask_whether: 2, ask_group: 1,
    small_talk: 10,
}


FAVOURITE: dict[Talk, float] = {ask_favourite: 18, ask_reason: 5}


def school(chosen: Trait, seed: int) -> Iterator[tuple[str, str]]:
    """(question, answer) pairs to train a teacher on, one epoch of them."""
    everyday = EVERYDAY | (FAVOURITE if isinstance(chosen, Persona) else {ask_advice: 10})
    for i in range(ROWS):
        w, n = stream(seed, "lessons", "words", i), stream(seed, "lessons", "numbers", i)
        if w.random() < LESSON:
            yield chosen.lesson(w, n)
        else:
            talk = w.choices(list(everyday), everyday.values())[0]
            (_, question), (_, answer) = talk(w, n, Speaker(w))
            yield question, answer
