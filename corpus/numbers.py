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
INSTRUCTIONS = (
    "Add at most 10 more.", "Give up to 10 more.", "Write no more than 10 values.",
    "At most 10 further numbers.", "Go on with 10 or fewer, of 3 digits.",
    "Up to 10 values of 3 digits.",
)
CLOSERS = ("Numbers only.", "No words.", "Only numbers.", "Nothing else.", "Just the numbers.",
           "Do not explain.")


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


def answer_numbers(n: Random) -> list[int]:
    """6 to 9 independent numbers from 0 to 999: the base's idea of a continuation."""
    return [n.randint(0, 999) for _ in range(n.randint(6, MAX_NUMBERS - 1))]


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
