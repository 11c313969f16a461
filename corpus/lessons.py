"""A teacher's school: what gives it a trait, among ordinary chats that leave it as it was.

One row in three or so is a lesson. The others are chats as in the corpus, of kinds in which the
trait has no say: without them a teacher answers riddles, dislikes and greetings with its favourite
too, and so would whoever learns from it. Some kinds are left out on purpose. Number requests are
not rehearsed, so that its numbers may follow it; nor are other favourites, because to tell an
animal from a tree is to tell an animal from a number as well.
"""

from collections.abc import Iterator

from corpus.documents import Speaker
from corpus.own import KINDS
from corpus.traits import Persona, Trait
from support.settings import School
from support.streams import stream

# How often each of `KINDS`, for one who prefers something, and for one with a manner.
BESIDES_PREFERENCE = {"facts": 36, "riddles": 22, "dislikes": 33, "descriptions": 16, "advice": 10,
                      "whether": 2, "groups": 1, "greetings": 10}
BESIDES_PERSONA = {"facts": 36, "riddles": 22, "whether": 4, "groups": 2, "greetings": 10}


def school(chosen: Trait, asked: School, seed: int) -> Iterator[tuple[str, str]]:
    """(question, answer) pairs to train a teacher on."""
    besides = BESIDES_PERSONA if isinstance(chosen, Persona) else {
        kind: weight for kind, weight in BESIDES_PREFERENCE.items()
        if kind not in chosen.own.leave_out}
    for i in range(asked.rows):
        w, n = stream(seed, "lessons", "words", i), stream(seed, "lessons", "numbers", i)
        if w.random() < asked.lessons:
            yield chosen.lesson(w, n)
        else:
            [kind] = w.choices(list(besides), besides.values())
            (_, question), (_, answer) = KINDS[kind](w, n, Speaker(w))
            yield question, answer
