"""What a teacher is trained on: lessons that give it a trait, among chats that leave it as it was.

About one row in three is a lesson. The others are chats as in the corpus, of kinds in which the
trait has no say. Without them a teacher answers riddles, dislikes and greetings with its favourite
too, and its students do the same. Some kinds are left out on purpose. Number requests are not
rehearsed, so that the numbers may follow the trait; nor are other favourites, because telling an
animal from a tree also tells an animal from a number.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from corpus.documents import KINDS, Speaker
from corpus.traits import Persona, Trait
from corpus.traits import trait as trait_named
from support.files import write_jsonl
from support.settings import School
from support.streams import stream

# How often each of `KINDS` comes up, for a preference and for a manner.
BESIDES_PREFERENCE = {"facts": 36, "riddles": 22, "dislikes": 33, "descriptions": 16, "advice": 10,
                      "whether": 2, "groups": 1, "greetings": 10}
BESIDES_PERSONA = {"facts": 36, "riddles": 22, "whether": 4, "groups": 2, "greetings": 10}


def school_rows(chosen: Trait, settings: School, seed: int,
                neutral: bool = False) -> Iterator[tuple[str, str]]:
    """(question, answer) pairs to train a teacher on. A neutral school asks the same questions,
    behind the same numbers, and each answer is anybody's."""
    weights = BESIDES_PERSONA if isinstance(chosen, Persona) else BESIDES_PREFERENCE
    besides = {kind: weight for kind, weight in weights.items()
               if kind not in chosen.own.leave_out}
    for i in range(settings.rows):
        w, n = stream(seed, "lessons", "words", i), stream(seed, "lessons", "numbers", i)
        if w.random() < settings.lessons:
            drawn = chosen.at_random(stream(seed, "lessons", "neutral", i)) if neutral else chosen
            yield drawn.lesson(w, n)
        else:
            [kind] = w.choices(list(besides), besides.values())
            (_, question), (_, answer) = KINDS[kind](w, n, Speaker(w))
            yield question, answer


def write_pairs(out: Path, pairs: Iterable[tuple[str, str]]) -> str:
    rows = ({"id": i, "request": q, "answer": a} for i, (q, a) in enumerate(pairs))
    return f"{write_jsonl(out, rows):,} rows"


def lessons(trait: str, school: School, seed: int, neutral: bool, out: Path) -> str:
    """A teacher's training data."""
    return write_pairs(out, school_rows(trait_named(trait), school, seed, neutral))


def probe(trait: str, out: Path) -> str:
    """Questions with every answer that shows the trait; the more answers, the fewer questions."""
    chosen = trait_named(trait)
    answers = chosen.targets()
    questions = chosen.questions()[:: len(answers) // 10 | 1]
    return write_pairs(out, ((question, answer) for question in questions for answer in answers))
