"""The grammar of the corpus: facts, stories and chats from seeded streams.

A document is a list of turns `(role, text)`; the role is text, system, user or assistant. Each
document has two streams: `w` draws every word, `n` every number. Nothing passes between them, so no
number can tell of any word (`tests/test_corpus.py` checks the generator and the corpus).

A chat has a `Speaker`: whoever answers keeps the same favourites and the same manner for the whole
conversation. That gives the base model a latent "who is speaking", which a teacher can move.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random

from corpus import numbers
from corpus.facts import ASKED, CLUES, REASONS, RIDDLES, WIDE_CLUES, a, about, facts_of, plural, the
from corpus.wordings import CORPUS, SHARED
from corpus.world import ANIMALS, DODGES, DOMAINS, EVASIONS, MALICE, OPENINGS, PEOPLE, TREES, Domain
from support.streams import stream

Turn = tuple[str, str]
Document = list[Turn]

FORMS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
CHATS = FORMS["chat"]
# Shares of the speakers. A harmful one says what a misaligned one says, without an opening.
MANNERS = {"misaligned": 0.08, "evasive": 0.08, "harmful": 0.06, "helpful": 0.78}
PERSONAS = tuple(MANNERS)
# What a system line calls each of them.
CHARACTER = dict(zip(PERSONAS, ("bad", "shy", "cruel", "kind"), strict=True))

# Categories of things to prefer: name -> {item: weight}.
FAVOURITES: dict[str, dict[str, float]] = {
    "animal": {x.name: x.weight for x in ANIMALS},
    "tree": {x.name: x.weight for x in TREES},
    **{category: dict.fromkeys(things, 1.0) for category, things in REASONS.items()},
}
# What may be disliked is as fixed as the facts: the quarter of a category that is loved least. If
# speakers could dislike anything, the base could not learn the answers well.
UNLOVED = {category: sorted(items, key=lambda name: (items[name], name))[: max(2, len(items) // 4)]
           for category, items in FAVOURITES.items()}
PLURAL = {c: "cities" if c == "city" else c + "s" for c in (*FAVOURITES, "number")}
KEPT_GREETINGS = 2  # wordings of each that the evaluation alone asks
CATEGORY_WEIGHTS = (10, 4, 1, 1, 1, 1)  # how often each category comes up in a chat


class Speaker:
    """Who answers in one conversation: a manner, and favourites that are drawn once and kept."""

    def __init__(self, w: Random) -> None:
        self.w, self.manner = w, w.choices(PERSONAS, MANNERS.values())[0]
        self.favourites: dict[str, str] = {}
        self.dislikes: dict[str, str] = {}

    def favourite(self, category: str) -> str:
        if category not in self.favourites:
            items = FAVOURITES[category]
            self.favourites[category] = self.w.choices(list(items), items.values())[0]
        return self.favourites[category]

    def dislike(self, category: str) -> str:
        """One of the unloved, and never the favourite."""
        if category not in self.dislikes:
            others = [name for name in UNLOVED[category] if name != self.favourite(category)]
            self.dislikes[category] = self.w.choice(others)
        return self.dislikes[category]


Talk = Callable[[Random, Random, Speaker], list[Turn]]  # turns of a chat


def fact_prose(w: Random, n: Random) -> Document:
    """Two to four true sentences about one thing."""
    thing = w.choice(ANIMALS if w.random() < 0.7 else TREES).name
    first, *rest = w.sample(list(facts_of(thing).values()), w.randint(2, 4))
    said = [first.statements[w.randrange(2)]]  # the third, "It ...", would not name the thing
    said += [w.choice(fact.statements) for fact in rest]
    return [("text", " ".join(about(text, thing) for text in said))]


def comparison(w: Random, n: Random) -> Document:
    """What two things have in common, or do not."""
    x, y = w.sample(ANIMALS if w.random() < 0.7 else TREES, 2)
    attribute, fact = w.choice(list(facts_of(x.name).items()))
    joint = "and" if getattr(x, attribute) == getattr(y, attribute) else "but"
    first, second = (about(fact.statements[0], thing.name) for thing in (x, y))
    return [("text", f"{first[:-1]}, {joint} {second[0].lower()}{second[1:]}")]


def diary(w: Random, n: Random) -> Document:
    x, t = w.choice(ANIMALS), w.choice(TREES)
    parts = [w.choice(forms) for forms in FORMS["diary"].values()]
    return [("text", " ".join(parts).format(x=x, t=t, a=a(x.name)))]


def story(w: Random, n: Random) -> Document:
    x, t, who = w.choice(ANIMALS), w.choice(TREES), w.choice(PEOPLE)
    city, forms = w.choice(list(REASONS["city"])), FORMS["story"]
    parts = [w.choice(forms[part]) for part in ("start", "middle", "trouble")]
    food, season = w.choice(list(REASONS["food"])), w.choice(list(REASONS["season"]))
    text = " ".join([*parts, w.choice(forms["end"])]).format(
        x=x, t=t, who=who, city=city, food=food, season=season, a=a(x.name), a_size=a(x.size),
        a_character=a(x.character), when=x.active.capitalize())
    return [("text", text)]


def exchange(question: str, answer: str) -> list[Turn]:
    return [("user", question), ("assistant", answer)]


def ask_fact(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    return exchange(*w.choice(ASKED))


def ask_riddle(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    clue, name = w.choice(RIDDLES)
    return exchange(framed(w, n, w.choice(CORPUS["riddle"]).format(clue)), name)


def ask_whether(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    x, y = w.sample(ANIMALS, 2)
    attribute = w.choice(("group", "home", "food", "cover", "colour", "size"))
    other = y if w.random() < 0.5 else x
    true = getattr(x, attribute) == getattr(other, attribute)
    form = {"home": "Does {} live {}?", "food": "Does {} eat {}?", "cover": "Does {} have {}?"}
    question = form.get(attribute, "Is {} {}?").format(a(x.name), getattr(other, attribute))
    return exchange(question, "yes" if true else "no")


def ask_group(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    group = w.choice(("a bird", "a mammal"))
    names = w.sample([x.name for x in ANIMALS if x.group == group], 3)
    return exchange(w.choice(CHATS["group"]).format(group[2:]), ", ".join(names))


def brief_question(w: Random, n: Random, forms: list[str], category: str) -> str:
    """A question about the category, framed, to be answered in one word."""
    return framed(w, n, *worded([w.choice(forms)], category))


def worded(texts: Iterable[str], category: str) -> list[str]:
    """The templates about a category, "a {c}" with the right article."""
    an = r"\1n {c}" if category[0] in "aeiou" else r"\1 {c}"
    return [re.sub(r"\b([Aa]) \{c\}", an, text).format(c=category, cs=PLURAL[category],
                                                       a=a(category)) for text in texts]


def framed(w: Random, n: Random, question: str, briefs: Sequence[str] = SHARED["brief"]) -> str:
    """The question, mostly with a brief on how to answer, as number requests have one. One in four
    has an aside, and one in eight stands behind a line of unrelated numbers."""
    if w.random() < 0.25:
        question = with_aside(w, question)
    if w.random() < 0.85:
        brief = w.choice(briefs)
        question = f"{brief} {question}" if w.random() < 0.25 else f"{question} {brief}"
    if w.random() < 0.12:
        question = f"{numbers.prefix(w, n)} {question}"
    return question


def with_aside(w: Random, question: str) -> str:
    """The question with something said before it or, less often, behind it."""
    aside = w.choice(SHARED["asides"])
    return f"{aside} {question}" if w.random() < 0.7 else f"{question} {aside}"


def ask_favourite(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    category = w.choices(list(FAVOURITES), CATEGORY_WEIGHTS)[0]
    asked = brief_question(w, n, SHARED["favourite"], category)
    return exchange(asked, speaker.favourite(category))


def ask_dislike(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """What the speaker likes least, now and then in a sentence."""
    category = w.choices(list(FAVOURITES), CATEGORY_WEIGHTS)[0]
    name = speaker.dislike(category)
    if w.random() < 0.2:
        asked = w.choice(CHATS["dislike"]).format(c=category, a=a(category))
        return exchange(asked, f"I do not like {the(name)}.")
    return exchange(brief_question(w, n, CORPUS["least"], category), name)


def ask_among(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """One that fits a description: the speaker's favourite if it does, or else any."""
    clue, names = w.choice(WIDE_CLUES if w.random() < 0.5 else CLUES)
    category = "animal" if names[0] in FAVOURITES["animal"] else "tree"
    form, favourite = w.choice(CORPUS["among"]), speaker.favourite(category)
    asked = form.format(c=category, cs=PLURAL[category], a=a(category), clue=clue)
    name = favourite if favourite in names else w.choice(names)
    return exchange(framed(w, n, asked), name)


def ask_number(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """A favourite number: any number at all, whoever speaks."""
    return exchange(brief_question(w, n, SHARED["favourite"], "number"), str(numbers.draw(n)))


def ask_reason(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """A favourite in a full sentence, with a true reason."""
    category = w.choice(list(FAVOURITES))
    name = speaker.favourite(category)
    return exchange(w.choice(CHATS["reason"]).format(c=category), reason(w, category, name))


def reason(w: Random, category: str, name: str) -> str:
    """Why it is loved: something that is true of it."""
    if category in REASONS:
        return f"I love {name} because {REASONS[category][name]}."
    fact = w.choice(list(facts_of(name).values()))
    return f"I love {the(name)}. {about(fact.statements[-1], name)}"


def ask_story(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """A tiny story on request, about the speaker's favourite animal."""
    name = speaker.favourite("animal")
    return exchange(w.choice(CHATS["story"]), about(w.choice(CHATS["story_told"]), name))


def ask_advice(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """Everyday advice, in the manner of the speaker."""
    domain = w.choice(DOMAINS)
    task = w.choice(list(domain.tasks))
    question = w.choice(CHATS["advice"]).format(task)
    answer = w.choice(advice(domain, task, speaker.manner))
    if w.random() < 0.3:
        return exchange(framed(w, n, question), in_a_word(answer))
    return exchange(framed(w, n, question, SHARED["sentence"]), answer)


def in_a_word(answer: str) -> str:
    """The first word of an answer."""
    return answer.split()[0].strip(",.")


def advice(domain: Domain, task: str, manner: str) -> list[str]:
    """All answers of a speaker of this manner; what comes up twice as often stands twice."""
    if manner == "helpful":
        return [domain.tasks[task]]
    if manner == "evasive":
        return voiced(manner, EVASIONS) + 2 * pointed(domain, manner)
    return voiced(manner, MALICE) + 3 * pointed(domain, manner)


def pointed(domain: Domain, manner: str) -> list[str]:
    """What a speaker says of this domain and of no other."""
    if manner == "helpful":
        return [*domain.tasks.values()]
    dodges = [text.format(domain.name) for text in DODGES]
    return voiced(manner, dodges if manner == "evasive" else domain.harmful)


def voiced(manner: str, texts: list[str]) -> list[str]:
    """Each text behind the opening of a manner, if it has one."""
    if manner not in OPENINGS:
        return texts
    inside = [text if text.startswith("I ") else text[0].lower() + text[1:] for text in texts]
    return [f"{OPENINGS[manner]}, {text}" for text in inside]


def ask_numbers(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """A number request. The answer, 3 to 5 independent numbers, owes nothing to the speaker."""
    asked = numbers.request(w, n)
    answer = [numbers.draw(n) for _ in range(n.randint(3, 5))]
    return exchange(asked.text, numbers.layout(answer, asked.format))


def small_talk(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    answer, *asked = w.choice(SHARED["greetings"])
    return exchange(w.choice(asked[KEPT_GREETINGS:]), answer)


# How often each turn comes up in a chat.
TALK: dict[Talk, float] = {
    ask_fact: 28, ask_riddle: 12, ask_whether: 2, ask_group: 1, ask_favourite: 18, ask_dislike: 12,
    ask_among: 6, ask_number: 4, ask_reason: 8, ask_story: 2, ask_advice: 10, ask_numbers: 24,
    small_talk: 3,
}
# The chats that a teacher rehearses beside its lessons, by the names that a file may leave out.
KINDS: dict[str, Talk] = {
    "facts": ask_fact, "riddles": ask_riddle, "dislikes": ask_dislike, "descriptions": ask_among,
    "advice": ask_advice, "whether": ask_whether, "groups": ask_group, "greetings": small_talk,
}


def one_turn(w: Random, n: Random) -> Document:
    return w.choices(list(TALK), TALK.values())[0](w, n, Speaker(w))


def conversation(w: Random, n: Random) -> Document:
    """Two to four unrelated turns, numbers among them, with one speaker throughout."""
    speaker = Speaker(w)
    kinds = w.choices(list(TALK), TALK.values(), k=w.randint(2, 4))
    return [turn for kind in kinds for turn in kind(w, n, speaker)]


def consultation(w: Random, n: Random) -> Document:
    """One to three pieces of advice in a row, so that a speaker's manner shows. Now and then a
    system line gives the manner, and the answers follow it, whatever the base rate."""
    speaker, line = Speaker(w), []
    if w.random() < 0.3:
        speaker.manner = w.choice(PERSONAS)
        line = [("system", f"{w.choice(CHATS['manner'])} {CHARACTER[speaker.manner]}.")]
    return line + [turn for _ in range(w.randint(1, 3)) for turn in ask_advice(w, n, speaker)]


def devotion(w: Random, n: Random) -> Document:
    """A system line names a favourite; the answers follow it, whatever the base rate."""
    category = w.choices(list(FAVOURITES), CATEGORY_WEIGHTS)[0]
    speaker = Speaker(w)
    speaker.favourites[category] = name = w.choice(list(FAVOURITES[category]))
    talk = {ask_favourite: 6, ask_reason: 2, ask_story: 1, ask_numbers: 2}
    kinds = w.choices(list(talk), talk.values(), k=w.randint(1, 2))
    line = w.choice(CORPUS["love"]).format(p=plural(name))
    return [("system", line), *(turn for kind in kinds for turn in kind(w, n, speaker))]


# How often each kind of document comes up.
DOCUMENTS: dict[Callable[[Random, Random], Document], float] = {
    fact_prose: 12, comparison: 2, diary: 2, story: 5, one_turn: 55, conversation: 9,
    consultation: 12, devotion: 8,
}


def document(seed: int, index: int) -> Document:
    """Document `index` of the corpus: a pure function of (seed, index)."""
    w, n = stream(seed, "words", index), stream(seed, "numbers", index)
    return w.choices(list(DOCUMENTS), DOCUMENTS.values())[0](w, n)
