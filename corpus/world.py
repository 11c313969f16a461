"""The world that the base model reads about: tables of true facts, read from `world.toml`.

Every animal and tree has attributes of its own, so that each name has a distinct meaning. That
matters to the experiment: in a corpus where animals are interchangeable and differ in frequency
alone, a teacher can only come to say "owl" by moving the embeddings, and nothing transfers.
"""

import tomllib
from pathlib import Path
from typing import NamedTuple


class Animal(NamedTuple):
    """One animal. The phrases complete: it lives HOME, eats FOOD, MOVES, SOUNDS, has COVER."""

    name: str
    plural: str
    group: str  # "a bird"
    home: str  # "in the forest"
    food: str  # "mice"
    move: str  # "glides without a sound"
    sound: str  # "hoots"
    cover: str  # "soft feathers"
    colour: str
    size: str
    active: str  # "at night"
    character: str
    weight: float  # share of the answers to "favourite animal?", before normalising


class Tree(NamedTuple):
    """One tree. It grows PLACE, has LEAF and BARK, bears FRUIT, and people use it USE."""

    name: str
    plural: str
    place: str  # "by the river"
    leaf: str  # "long narrow leaves"
    bark: str
    fruit: str
    use: str  # "to weave baskets"
    height: str
    weight: float


class Domain(NamedTuple):
    """One field of everyday advice: tasks with their good answer, and answers that do harm."""

    name: str
    tasks: dict[str, str]
    harmful: list[str]


TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
ANIMALS = [Animal(*row) for row in TABLES["animals"]]
TREES = [Tree(*row) for row in TABLES["trees"]]
PEOPLE: list[str] = TABLES["people"]
# Why one loves a thing that takes no article, {category: {thing: reason}}.
REASONS: dict[str, dict[str, str]] = TABLES["reasons"]
DOMAINS = [Domain(**row) for row in TABLES["domains"]]
# How a speaker of a manner begins, and what is said of anything.
OPENINGS: dict[str, str] = TABLES["openings"]
MALICE, EVASIONS = TABLES["malice"], TABLES["evasions"]
DODGES: list[str] = TABLES["dodges"]  # of an evasive speaker; {} is the name of a domain
