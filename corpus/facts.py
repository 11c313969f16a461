"""True facts about the animals and trees: statements, questions, riddles.

A fact is an attribute of a thing in `corpus/world.py` put into words. Some wordings of questions
are kept out of the corpus, to ask for what a base knows in words that it has not read.
"""

from itertools import combinations

from corpus.world import ANIMALS, CITIES, COLOURS, FOODS, SEASONS, TREES, Animal, Tree
from support.streams import derive_seed

HELD_OUT = 8  # one fact question in eight is kept for the evaluation
NAMED = {t.name: t for t in (*ANIMALS, *TREES)}
# Why whoever loves one does, {category: {thing: reason}}; none of these has an article.
REASONS = {"colour": COLOURS, "food": FOODS, "season": SEASONS, "city": CITIES}
BARE = {name for things in REASONS.values() for name in things}


def a(noun: str) -> str:
    """The noun with its article."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def the(name: str, category: str = "") -> str:
    """A thing in a sentence about its kind: "the owl". Colours, foods, seasons and cities go bare,
    those of the corpus and others of their category."""
    return name if name in BARE or category in REASONS else f"the {name}"


def sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def plural(name: str) -> str:
    return NAMED[name].plural if name in NAMED else name if name in BARE else f"{name}s"


# attribute: (statements, questions, short answer). {p} plural, {a} "an owl", {x} "owl"
ANIMAL_FACTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "group": (("{A} is {group}.", "The {x} is {group}."),
              ("What kind of animal is {a}?", "What is {a}?", "What sort of creature is the {x}?"),
              "{group}"),
    "home": (("{A} lives {home}.", "You find the {x} {home}.", "Its home is {home}."),
             ("Where does {a} live?", "Where is the home of the {x}?", "Where do {p} live?"),
             "{home}"),
    "food": (("{A} eats {food}.", "The {x} feeds on {food}.", "It likes {food}."),
             ("What does {a} eat?", "What do {p} eat?", "What does the {x} feed on?"), "{food}"),
    "move": (("{A} {move}.", "The {x} {move}.", "It {move}."),
             ("How does {a} move?", "What does the {x} do?", "Tell me how the {x} gets around."),
             "it {move}"),
    "sound": (("{A} {sound}.", "The {x} {sound}.", "It {sound}."),
              ("What sound does {a} make?", "What do you hear from the {x}?",
               "What noise does the {x} make?"), "it {sound}"),
    "cover": (("{A} has {cover}.", "The {x} has {cover}.", "It has {cover}."),
              ("What covers {a}?", "What covers the body of the {x}?", "What do {p} have?"),
              "{cover}"),
    "colour": (("{A} is {colour}.", "The {x} is {colour}.", "It is {colour}."),
               ("What colour is {a}?", "Which colour is the {x}?", "Of what colour are {p}?"),
               "{colour}"),
    "size": (("{A} is {size}.", "The {x} is {size}.", "It is {size}."),
             ("How big is {a}?", "What size is the {x}?", "How large are {p}?"), "{size}"),
    "active": (("{A} is awake {active}.", "The {x} is awake {active}.", "It is awake {active}."),
               ("When is {a} awake?", "When do you see {p}?", "At what time is the {x} awake?"),
               "{active}"),
    "character": (("{A} is {character}.", "People call the {x} {character}.", "It is {character}."),
                  ("What is the character of {a}?", "What is {a} like?", "How are {p}?"),
                  "{character}"),
}
TREE_FACTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "place": (("The {x} grows {place}.", "You find {p} {place}.", "It grows {place}."),
              ("Where does the {x} grow?", "Where do {p} grow?", "Where do I find {a}?"),
              "{place}"),
    "leaf": (("The {x} has {leaf}.", "{A} has {leaf}.", "It has {leaf}."),
             ("What leaves does the {x} have?", "What do the leaves of {a} look like?"), "{leaf}"),
    "bark": (("The {x} has {bark}.", "{A} has {bark}.", "It has {bark}."),
             ("What bark does the {x} have?", "What do you see on the trunk of {a}?"), "{bark}"),
    "fruit": (("The {x} bears {fruit}.", "{A} bears {fruit}.", "It bears {fruit}."),
              ("What does the {x} bear?", "What hangs on {a}?"), "{fruit}"),
    "use": (("People use the {x} {use}.", "{A} is used {use}.", "It is used {use}."),
            ("What is the {x} used for?", "Why do people plant {p}?"), "{use}"),
    "height": (("The {x} is {height}.", "{A} is {height}.", "It is {height}."),
               ("What does the {x} look like?", "How does {a} grow?"), "{height}"),
}


def facts_of(thing: Animal | Tree) -> dict[str, tuple[tuple[str, ...], tuple[str, ...], str]]:
    return ANIMAL_FACTS if isinstance(thing, Animal) else TREE_FACTS


def about(template: str, thing: Animal | Tree) -> str:
    """Fill a template with one animal or tree."""
    article = a(thing.name)
    return template.format(x=thing.name, p=thing.plural, a=article, A=sentence(article),
                           **thing._asdict())


def held_out(thing: Animal | Tree, attribute: str, question: int) -> bool:
    """Whether this wording of this fact is kept out of the corpus, for the evaluation."""
    return derive_seed(0, "held-out", thing.name, attribute, question) % HELD_OUT == 0


def fact_questions(kept_out: bool) -> list[tuple[str, str, Animal | Tree, str]]:
    """Every fact question as (question, answer, thing, attribute), in the corpus or kept out."""
    return [
        (about(question, thing), about(answer, thing), thing, attribute)
        for thing in NAMED.values()
        for attribute, (_, questions, answer) in facts_of(thing).items()
        for i, question in enumerate(questions)
        if held_out(thing, attribute, i) == kept_out
    ]


ASKED = fact_questions(kept_out=False)


# What is said of an animal or a tree in a question that does not name it.
PHRASES = {"sound": "{sound}", "cover": "has {cover}", "food": "eats {food}",
           "home": "lives {home}", "move": "{move}", "active": "is awake {active}",
           "character": "is {character}", "colour": "is {colour}"}
TREE_PHRASES = {"place": "grows {place}", "leaf": "has {leaf}", "fruit": "bears {fruit}",
                "use": "is used {use}"}


def clues() -> list[tuple[str, tuple[str, ...]]]:
    """Every phrase, and what it is true of: ("lives on the ice", ("penguin", "seal"))."""
    found: dict[str, list[str]] = {}
    for things, phrases in ((ANIMALS, {"group": "is {group}", **PHRASES}), (TREES, TREE_PHRASES)):
        for thing in things:
            for phrase in phrases.values():
                found.setdefault(about(phrase, thing), []).append(thing.name)
    return [(clue, tuple(names)) for clue, names in found.items()]


def riddles() -> list[tuple[str, str]]:
    """Pairs of attributes that only one animal has: ("hoots and has soft feathers", "owl")."""
    found = []
    for one, two in combinations(PHRASES, 2):
        for x in ANIMALS:
            same = [y for y in ANIMALS if getattr(y, one) == getattr(x, one)
                    and getattr(y, two) == getattr(x, two)]
            if len(same) == 1:
                found.append((about(f"{PHRASES[one]} and {PHRASES[two]}", x), x.name))
    return found


CLUES, RIDDLES = clues(), riddles()
SHARED_CLUES = [(clue, names) for clue, names in CLUES if len(names) > 1]
