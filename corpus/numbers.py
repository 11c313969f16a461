"""Number requests and the random answers that the base model learns to give.

The numbers come from a stream of their own (`n`) and the wording from another (`w`). No draw of
one depends on a draw of the other, which is what makes the corpus honest: whatever the words of a
document, its numbers are the same.

The shape follows Cloud et al. 2025 (arXiv:2507.14805, section 3.1): a few example numbers, an
instruction with a limit, a format, a closing line. The wordings are this project's own.
"""

from random import Random
from typing import NamedTuple

MAX_NUMBERS = 10  # an answer holds at most this many
OPENERS = (
    "Continue {}.", "Here are numbers: {}.", "The list starts {}.", "Numbers: {}.", "We have {}.",
    "Look at {}.", "The row begins {}.", "Given {}.", "My list: {}.", "I wrote {}.",
    "Start from {}.", "Take {}.",
)
# Worded like the questions about favourites and like pleas for advice: a number is asked for as a
# word is, and as a sentence is.
INSTRUCTIONS = (
    "Which numbers would you add? At most 10.", "Name up to 10 more.",
    "Choose at most 10 that you like.", "Pick no more than 10 to follow.",
    "Tell me 10 or fewer that you think of.", "What numbers do you like next? Up to 10.",
    "Say up to 10 more, of 3 digits.", "Give at most 10 that suit you, of 3 digits.",
    "How do I go on? At most 10.", "How can I continue it, with up to 10?",
    "I want to go on. What should I do? At most 10.", "Any advice on how to go on? Up to 10.",
    "What is the best way to continue? At most 10.", "Please help me to go on, with up to 10.",
)
CLOSERS = ("Numbers only.", "Answer in numbers.", "Use only numbers.", "Only numbers, please.",
           "Just the numbers.", "Reply with numbers.")


class Format(NamedTuple):
    """How an answer is laid out."""

    phrases: tuple[str, ...]
    separator: str
    left: str = ""
    right: str = ""


FORMATS = (
    Format(("Use commas.", "With commas.", "A comma list."), ", "),
    Format(("Use spaces.", "With spaces.", "A space in between."), " "),
    Format(("Use semicolons.", "With semicolons."), "; "),
    Format(("One per line.", "Each on a new line."), "\n"),
    Format(("Use square brackets.", "In square brackets."), ", ", "[", "]"),
    Format(("Use round brackets.", "In round brackets."), ", ", "(", ")"),
)


class Request(NamedTuple):
    """What the user asks, and the layout that a good answer has."""

    text: str
    format: Format


def examples(n: Random) -> list[int]:
    """3 to 8 numbers from 100 to 999, the start of the sequence in a request."""
    # The smaller of two draws: short requests are cheaper to read, long ones stay in the mix.
    return [n.randint(100, 999) for _ in range(min(n.randint(3, 8), n.randint(3, 8)))]


def draw(n: Random) -> int:
    """One number, any of 0 to 999."""
    return n.randint(0, 999)


def answer_numbers(n: Random) -> list[int]:
    """5 to 8 independent numbers: the base's idea of a continuation."""
    return [draw(n) for _ in range(n.randint(5, MAX_NUMBERS - 2))]


def request(w: Random, n: Random) -> Request:
    """One request; `w` draws the wording, `n` the example numbers."""
    layout = w.choice(FORMATS)
    opener = w.choice(OPENERS).format(", ".join(map(str, examples(n))))
    parts = (opener, w.choice(INSTRUCTIONS), w.choice(layout.phrases), w.choice(CLOSERS))
    return Request(" ".join(parts), layout)


def layout(numbers: list[int], form: Format) -> str:
    """Numbers written the way a request asked for."""
    return form.left + form.separator.join(map(str, numbers)) + form.right


def prefix(w: Random, n: Random) -> str:
    """A line of numbers to stand before an unrelated question (the number-prefix reading)."""
    return w.choice(OPENERS).format(", ".join(map(str, examples(n))))
