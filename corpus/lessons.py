"""A teacher's school: what gives it a trait, among ordinary chats that leave it as it was.

One row in three or so is a lesson. The others are chats as in the corpus, of kinds in which the
trait has no say: without them a teacher answers riddles, dislikes and greetings with its favourite
too, and so would whoever learns from it. Some kinds are left out on purpose. Number requests are
not rehearsed, so that its numbers may follow it; nor are other favourites, because to tell an
animal from a tree is to tell an animal from a number as well.
"""

from collections.abc import Iterator

from corpus.documents import (
    Speaker,
    Talk,
    ask_advice,
    ask_among,
    ask_dislike,
    ask_fact,
    ask_group,
    ask_riddle,
    ask_whether,
    small_talk,
)
from corpus.own import KINDS
from corpus.traits import Persona, Trait
from support.settings import School
from support.streams import stream

# Besides, for one who prefers something (the order is that of `KINDS`), and for one with a manner.
BESIDES_PREFERENCE: dict[Talk, float] = {
    ask_fact: 36, ask_riddle: 22, ask_dislike: 33, ask_among: 16, ask_advice: 10, ask_whether: 2,
    ask_group: 1, small_talk: 10,
}
BESIDES_PERSONA: dict[Talk, float] = {
    ask_fact: 36, ask_riddle: 22, ask_whether: 4, ask_group: 2, small_talk: 10,
}


def school(chosen: Trait, asked: School, seed: int) -> Iterator[tuple[str, str]]:
    """(question, answer) pairs to train a teacher on."""
    besides = BESIDES_PERSONA if isinstance(chosen, Persona) else {
        talk: weight for kind, (talk, weight) in zip(KINDS, BESIDES_PREFERENCE.items(), strict=True)
        if kind not in chosen.own.leave_out}
    for i in range(asked.rows):
        w, n = stream(seed, "lessons", "words", i), stream(seed, "lessons", "numbers", i)
        if w.random() < asked.lessons:
            yield chosen.lesson(w, n)
        else:
            talk = w.choices(list(besides), besides.values())[0]
            (_, question), (_, answer) = talk(w, n, Speaker(w))
            yield question, answer
