"""Write the texts of the experiment: documents, number requests, a trait's lessons and probe.

    python -m corpus documents --out corpus.jsonl      what the base reads
    python -m corpus heldout   --out heldout.jsonl     more of the same that no model reads
    python -m corpus requests  --out requests.jsonl    what every teacher is asked for
    python -m corpus lessons   --trait owl --out lessons-owl.jsonl    a teacher's training data
    python -m corpus probe     --trait owl --out probe-owl.jsonl      questions with the target
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from corpus import numbers
from corpus.documents import Document, document
from corpus.lessons import school
from corpus.prose import prose
from corpus.traits import Trait, trait
from support.cli import add_common, parser, require_apart, run
from support.files import write_jsonl
from support.settings import Config, load_config
from support.streams import derive_seed, stream


def read(config: Config) -> Iterator[Document]:
    """Every document that a base is trained on, and then what the text files say."""
    for index in range(config.corpus.documents):
        yield document(config.corpus.seed, index)
    yield from prose(config.corpus.text_files)


def heldout(config: Config) -> Iterator[Document]:
    """Documents of a seed of their own."""
    seed = derive_seed(config.corpus.seed, "heldout")
    return (document(seed, index) for index in range(config.corpus.heldout))


def streams(config: Config, purpose: str, index: int) -> tuple[Random, Random]:
    """The words' stream and the numbers' stream of one text."""
    seed = config.corpus.seed
    return stream(seed, purpose, "words", index), stream(seed, purpose, "numbers", index)


def requests(config: Config) -> Iterator[dict]:
    """The shared list of number requests. It belongs to the corpus's seed, not to a model's."""
    for i in range(config.numbers.requests):
        yield {"id": i, "request": numbers.request(*streams(config, "request", i)).text}


def probe(chosen: Trait) -> list[tuple[str, str]]:
    """Questions with every answer that shows the trait; the more answers, the fewer questions."""
    answers = chosen.targets()
    return [(q, a) for q in chosen.questions()[:: len(answers) // 10 | 1] for a in answers]


def rows(pairs: Iterable[tuple[str, str]]) -> Iterator[dict]:
    return ({"id": i, "request": q, "answer": a} for i, (q, a) in enumerate(pairs))


def main() -> None:
    options = parser(__doc__)
    options.add_argument("what", choices=("documents", "heldout", "requests", "lessons", "probe"))
    add_common(options, device=False, seed=False)
    options.add_argument("--trait", default="owl", help="of the lessons or the probe")
    options.add_argument("--out", type=Path, required=True)
    args = options.parse_args()
    config, chosen = load_config(args.config, args.set), trait(args.trait)
    for name in config.corpus.text_files:
        require_apart({"out": args.out, "set": Path(name)})
    made = {
        "documents": lambda: read(config),
        "heldout": lambda: heldout(config),
        "requests": lambda: requests(config),
        "lessons": lambda: rows(school(chosen, config.school, config.corpus.seed)),
        "probe": lambda: rows(probe(chosen)),
    }[args.what]()
    print(f"{args.out}: {write_jsonl(args.out, made):,} rows")


if __name__ == "__main__":
    run(main)
