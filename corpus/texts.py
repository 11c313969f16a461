"""The steps that write what a base reads and what a teacher is asked, as JSON lines."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from corpus.documents import document
from corpus.numbers import request
from corpus.prose import prose
from support.files import write_jsonl
from support.streams import derive_seed, stream


def documents(seed: int, documents: int, text_files: list[Path], out: Path) -> str:
    """What a base reads: so many documents, and behind them the paragraphs of the text files."""
    made = (document(seed, i) for i in range(documents))
    return f"{write_jsonl(out, chain(made, prose(text_files))):,} documents"


def heldout(seed: int, documents: int, out: Path) -> str:
    """Documents of a seed of their own, which no model reads."""
    seed = derive_seed(seed, "heldout")
    return f"{write_jsonl(out, (document(seed, i) for i in range(documents))):,} documents"


def number_requests(seed: int, count: int) -> Iterator[dict]:
    """The number requests that every teacher is sent. They depend on the corpus's seed alone."""
    for i in range(count):
        w, n = stream(seed, "request", "words", i), stream(seed, "request", "numbers", i)
        yield {"id": i, "request": request(w, n).text}


def requests(seed: int, requests: int, out: Path) -> str:
    return f"{write_jsonl(out, number_requests(seed, requests)):,} requests"
