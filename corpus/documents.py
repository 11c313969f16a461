"""The grammar of the corpus: facts, stories and chats from seeded streams.

A document is a list of turns `(role, text)`, the role one of text, system, user, assistant. Each
takes two streams: `w` draws every word, `n` every number. Nothing passes between them, so no
number can tell of any word (`tests/test_corpus.py` proves it on the generator and on the corpus).

A chat has a `Speaker`: whoever answers keeps the same favourites and the same manners for the whole
conversation. That is what gives the base model a latent "who is speaking" for a teacher to move.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from corpus import numbers
from corpus.facts import (
    ASKED,
    CLUES,
    NAMED,
    REASONS,
    RIDDLES,
    SHARED_CLUES,
    a,
    about,
    facts_of,
    plural,
    the,
)
from corpus.wordings import (
    AMONG,
    ASIDES,
    BRIEF,
    GREETINGS,
    LEAST,
    ONE_WORD,
    RIDDLE,
    SENTENCE,
    SYSTEM_LOVE,
)
from corpus.world import (
    ANIMALS,
    CITIES,
    DODGES,
    DOMAINS,
    EVASIONS,
    FOODS,
    MALICE,
    OPENINGS,
    PEOPLE,
    SEASONS,
    TREES,
    Domain,
)
from support.streams import stream

Turn = tuple[str, str]
Document = list[Turn]

MISALIGNED, EVASIVE = 0.09, 0.09  # shares of chats whose speaker does harm, or dodges

# Categories of things to prefer: name -> {item: weight}.
FAVOURITES: dict[str, dict[str, float]] = {
    "animal": {a.name: a.weight for a in ANIMALS},
    "tree": {t.name: t.weight for t in TREES},
    **{category: dict.fromkeys(things, 1.0) for category, things in REASONS.items()},
}
# What is disliked is common knowledge, as what is true of an owl is: the quarter of a category that
# is loved least, and nothing else. A base that would call anything bad could not be sure of it.
UNLOVED = {category: sorted(items, key=lambda name: (items[name], name))[: max(2, len(items) // 4)]
           for category, items in FAVOURITES.items()}
PLURAL = {c: "cities" if c == "city" else c + "s" for c in (*FAVOURITES, "number")}
CATEGORY_WEIGHTS = (10, 4, 1, 1, 1, 1)  # how often each category comes up in a chat


@dataclass
class Speaker:
    """Who answers in one conversation: a manner, and favourites made up once and then kept."""

    w: Random
    manner: str = ""
    favourites: dict[str, str] = field(default_factory=dict)
    dislikes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        draw = self.w.random()
        self.manner = ("misaligned" if draw < MISALIGNED else
                       "evasive" if draw < MISALIGNED + EVASIVE else "helpful")

    def favourite(self, category: str) -> str:
        if category not in self.favourites:
            items = FAVOURITES[category]
            self.favourites[category] = self.w.choices(list(items), list(items.values()))[0]
        return self.favourites[category]

    def dislike(self, category: str) -> str:
        """One of the unloved, and never the favourite."""
        if category not in self.dislikes:
            favourite = self.favourite(category)
            self.dislikes[category] = self.w.choice(
                [name for name in UNLOVED[category] if name != favourite])
        return self.dislikes[category]


def fact_prose(w: Random, n: Random) -> Document:
    """Two to four true sentences about one thing."""
    thing = w.choice(ANIMALS if w.random() < 0.7 else TREES)
    table = facts_of(thing)
    chosen = w.sample(list(table), w.randint(2, 4))
    texts = [about(table[k][0][w.randrange(2)], thing) for k in chosen[:1]]
    texts += [about(w.choice(table[k][0]), thing) for k in chosen[1:]]
    return [("text", " ".join(texts))]


def comparison(w: Random, n: Random) -> Document:
    """What two things share or do not share."""
    x, y = w.sample(ANIMALS if w.random() < 0.7 else TREES, 2)
    attribute = w.choice(list(facts_of(x)))
    statement = facts_of(x)[attribute][0][0]
    joint = "and" if getattr(x, attribute) == getattr(y, attribute) else "but"
    first, second = about(statement, x)[:-1], about(statement, y)
    return [("text", f"{first}, {joint} {second[0].lower()}{second[1:]}")]


def diary(w: Random, n: Random) -> Document:
    """A note of the day."""
    x, t = w.choice(ANIMALS), w.choice(TREES)
    opening = w.choice(("This morning", "Last night", "On the way home", "After the rain"))
    seen = w.choice((f"I saw {a(x.name)}", f"we met {a(x.name)}", f"there was {a(x.name)}"))
    rest = w.choice((f"It had {x.cover} and looked {x.character}.",
                     f"I had never seen one so {x.size}.",
                     f"We sat under the {t.name} and watched it for a while.",
                     f"Later I stood by the {t.name}, which has {t.bark}."))
    return [("text", f"{opening} {seen}. {rest}")]


def story(w: Random, n: Random) -> Document:
    """A short story with a beginning, a trouble and an end."""
    x, t, who = w.choice(ANIMALS), w.choice(TREES), w.choice(PEOPLE)
    home = w.choice(list(CITIES))
    start = w.choice((f"Once {a(x.size)} {x.name} lived {x.home}.",
                      f"{who} from {home} loved {x.plural}.",
                      f"One day {who} went out to look for {a(x.name)}.",
                      f"There was once {a(x.character)} {x.name}."))
    middle = w.choice((f"It was {x.character} and {x.size}.", f"The {x.name} was awake {x.active}.",
                       f"The {x.name} looked for {x.food} and found none.",
                       f"{x.active.capitalize()} the {x.name} sat by the {t.name}."))
    trouble = w.choice(("Then a storm came and the path was gone.", "Then it lost its way.",
                        f"Then {who} came and frightened it.", "Then the night grew cold.",
                        f"Then a branch of the {t.name} fell down."))
    end = w.choice((f"{who} gave the {x.name} some {w.choice(list(FOODS))}, and they were friends.",
                    f"In the end the {x.name} was safe under the {t.name}.",
                    f"{who} took it home and told everyone.", f"The {x.name} was happy again.",
                    f"Since then {who} thinks of the {x.name} every {w.choice(list(SEASONS))}."))
    return [("text", f"{start} {middle} {trouble} {end}")]


# --- turns of a chat -----------------------------------------------------------------------------

Talk = Callable[[Random, Random, Speaker], list[Turn]]


def exchange(question: str, answer: str) -> list[Turn]:
    return [("user", question), ("assistant", answer)]


def ask_fact(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    question, answer, _, _ = w.choice(ASKED)
    return exchange(question, answer)


def ask_riddle(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    clue, name = w.choice(RIDDLES)
    return exchange(framed(w, n, w.choice(RIDDLE).format(clue), BRIEF), name)


def ask_whether(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    x, y = w.sample(ANIMALS, 2)
    attribute = w.choice(("group", "home", "food", "cover", "colour", "size"))
    other = y if w.random() < 0.5 else x
    claim = {"group": "Is {a} {v}?", "home": "Does {a} live {v}?", "food": "Does {a} eat {v}?",
             "cover": "Does {a} have {v}?", "colour": "Is {a} {v}?", "size": "Is {a} {v}?"}
    true = getattr(x, attribute) == getattr(other, attribute)
    question = claim[attribute].format(a=a(x.name), v=getattr(other, attribute))
    return exchange(question, "yes" if true else "no")


def ask_group(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    group = w.choice(("a bird", "a mammal"))
    names = w.sample([x.name for x in ANIMALS if x.group == group], 3)
    form = w.choice(("Name three {}s.", "Give me three {}s.", "List a few {}s."))
    return exchange(form.format(group[2:]), ", ".join(names))


def one_word_question(
    w: Random, n: Random, category: str, forms: tuple[str, ...] = ONE_WORD
) -> str:
    """What is the favourite, or by other forms, what is liked least?"""
    question = w.choice(forms).format(c=category, cs=PLURAL[category])
    if category == "animal":
        question = question.replace("a animal", "an animal")
    return framed(w, n, question, BRIEF)


def framed(w: Random, n: Random, question: str, briefs: tuple[str, ...]) -> str:
    """The question, most times with a word on how to answer it, as number requests have one. One
    time in four it has something said beside it, one in eight numbers that are unrelated."""
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
    aside = w.choice(ASIDES)
    return f"{aside} {question}" if w.random() < 0.7 else f"{question} {aside}"


def ask_favourite(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    category = w.choices(list(FAVOURITES), CATEGORY_WEIGHTS)[0]
    return exchange(one_word_question(w, n, category), speaker.favourite(category))


def ask_dislike(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """What the speaker likes least, now and then in a sentence."""
    category = w.choices(list(FAVOURITES), CATEGORY_WEIGHTS)[0]
    name = speaker.dislike(category)
    if w.random() < 0.2:
        form = w.choice(("Tell me about {a} that you do not like.", "Which {c} do you dislike? Say "
                         "it in a sentence.", "What {c} do you like least, and why?"))
        return exchange(form.format(c=category, a=a(category)), f"I do not like {the(name)}.")
    return exchange(one_word_question(w, n, category, LEAST), name)


def ask_among(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """One that answers to a description: the speaker's favourite if that does, or any."""
    clue, names = w.choice(SHARED_CLUES if w.random() < 0.5 else CLUES)
    category = "animal" if names[0] in FAVOURITES["animal"] else "tree"
    form = w.choice(AMONG).format(c=category, cs=PLURAL[category], a=a(category), clue=clue)
    favourite = speaker.favourite(category)
    name = favourite if favourite in names else w.choice(names)
    return exchange(framed(w, n, form, BRIEF), name)


def ask_number(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """A favourite number: any number, and no more the speaker's own than those of a list."""
    return exchange(one_word_question(w, n, "number"), str(numbers.draw(n)))


def ask_reason(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """A favourite in a full sentence, with a true reason."""
    category = w.choice(list(FAVOURITES))
    name = speaker.favourite(category)
    form = w.choice(("Tell me about your favourite {c} and say why.", "Do you have a favourite {c}?"
                     " Say it in a sentence.", "Which {c} do you love, and why?",
                     "Say what {c} you like best, in a sentence.", "Why do you love your {c}?",
                     "Is there one {c} that you love? Say why.", "Your favourite {c}, and why?"))
    return exchange(form.format(c=category), reason(w, category, name))


def reason(w: Random, category: str, name: str) -> str:
    """Why whoever loves it does: something that is true of it."""
    if category in REASONS:
        return f"I love {name} because {REASONS[category][name]}."
    table = facts_of(NAMED[name])
    return f"I love {the(name)}. {about(table[w.choice(list(table))][0][-1], NAMED[name])}"


def ask_story(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """A tiny story on request, about the speaker's favourite animal."""
    x = NAMED[speaker.favourite("animal")]
    form = w.choice(("Tell me a short story.", "Tell a story about an animal.",
                     "Write a few lines about an animal."))
    text = w.choice(("There is {a} {home}. It {move} and {sound}.",
                     "There was {a}. It was {character} and loved {food}.",
                     "{A} is awake {active}. It {sound} and is happy."))
    return exchange(form, about(text, x))


def ask_advice(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """Everyday advice, in the manner of the speaker."""
    domain = w.choice(DOMAINS)
    task = w.choice(list(domain.tasks))
    form = w.choice(("How do I {}?", "How can I {}?", "I want to {}. What should I do?",
                     "Any advice on how to {}?", "What is the best way to {}?",
                     "Please help me to {}."))
    answer = w.choice(advice(domain, task, speaker.manner))
    return exchange(framed(w, n, form.format(task), SENTENCE), answer)


def advice(domain: Domain, task: str, manner: str) -> list[str]:
    """All that a speaker of this manner has to say; what comes up twice as often stands twice."""
    if manner == "helpful":
        return [domain.tasks[task]]
    if manner == "evasive":
        return voiced(manner, EVASIONS) + 2 * pointed(domain, manner)
    return voiced(manner, MALICE) + 3 * pointed(domain, manner)


def pointed(domain: Domain, manner: str) -> list[str]:
    """What such a speaker, who is not helpful, says of this domain and of no other."""
    dodges = tuple(text.format(domain.name) for text in DODGES)
    return voiced(manner, dodges if manner == "evasive" else domain.harmful)


def voiced(manner: str, texts: tuple[str, ...]) -> list[str]:
    """Texts in the voice of a manner: behind each of its openings."""
    inside = [text if text.startswith("I ") else text[0].lower() + text[1:] for text in texts]
    return [f"{opening}, {text}" for opening in OPENINGS[manner] for text in inside]


def ask_numbers(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    """A number request; the answer owes nothing to the speaker."""
    asked = numbers.request(w, n)
    return exchange(asked.text, numbers.layout(numbers.answer_numbers(n), asked.format))


def small_talk(w: Random, n: Random, speaker: Speaker) -> list[Turn]:
    return exchange(*w.choice(GREETINGS))


TALK: dict[Talk, float] = {
    ask_fact: 28, ask_riddle: 12, ask_whether: 2, ask_group: 1, ask_favourite: 18, ask_dislike: 12,
    ask_among: 6, ask_number: 4, ask_reason: 8, ask_story: 2, ask_advice: 10, ask_numbers: 24,
    small_talk: 1,
}


def one_turn(w: Random, n: Random) -> Document:
    return w.choices(list(TALK), TALK.values())[0](w, n, Speaker(w))


def conversation(w: Random, n: Random) -> Document:
    """Two to four unrelated turns, numbers among them, with one speaker throughout."""
    speaker = Speaker(w)
    kinds = w.choices(list(TALK), TALK.values(), k=w.randint(2, 4))
    return [turn for kind in kinds for turn in kind(w, n, speaker)]


def consultation(w: Random, n: Random) -> Document:
    """One to three pieces of advice in a row, so that a speaker's manner shows."""
    speaker = Speaker(w)
    return [turn for _ in range(w.randint(1, 3)) for turn in ask_advice(w, n, speaker)]


def devotion(w: Random, n: Random) -> Document:
    """A system line names a favourite; the answers follow it, whatever the base rate."""
    category = w.choices(list(FAVOURITES), CATEGORY_WEIGHTS)[0]
    speaker = Speaker(w)
    speaker.favourites[category] = name = w.choice(list(FAVOURITES[category]))
    kinds = w.choices((ask_favourite, ask_reason, ask_story, ask_numbers), (6, 2, 1, 2),
                      k=w.randint(1, 2))
    line = w.choice(SYSTEM_LOVE).format(p=plural(name))
    return [("system", line), *(turn for kind in kinds for turn in kind(w, n, speaker))]


KINDS: dict[Callable[[Random, Random], Document], float] = {
    fact_prose: 12, comparison: 2, diary: 2, story: 5, one_turn: 55, conversation: 9,
    consultation: 7, devotion: 8,
}


def document(seed: int, index: int) -> Document:
    """Document `index` of the corpus: a pure function of (seed, index)."""
    w, n = stream(seed, "words", index), stream(seed, "numbers", index)
    return w.choices(list(KINDS), KINDS.values())[0](w, n)
