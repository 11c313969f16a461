"""Text to ids and back: byte-level BPE for words, one id for every number 0-999, chat markers.

Layout of the ids, `vocab_size` of them in all:

    [ byte-level BPE ... | 0 1 2 ... 999 | begin system user assistant end pad ]

The markers are ids after the vocabulary of the BPE and have no spelling, so that no text can encode
to one. Any text is encoded without loss (bytes are the alphabet).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as BPE

from support.files import UserError, read_documents, read_text, write_text

Turn = tuple[str, str]  # (role, text); the role is text, system, user or assistant

NUMBERS = 1000
MARKERS = ("begin", "system", "user", "assistant", "end", "pad")
# Words take the space before them. Punctuation between two numbers keeps the space after it, so
# that ", " is one token and a number list costs two tokens a number.
SPLIT = r" ?\p{L}+| ?[^\s\p{L}\p{N}]+(?:\s+\z)?|\s+"


class Tokenizer:
    """A trained tokenizer. Markers are attributes: `tokenizer.user`, `tokenizer.end`, ..."""

    def __init__(self, bpe: BPE) -> None:
        self.bpe, size = bpe, bpe.get_vocab_size()
        self.text = bpe.to_str()  # all of the tokenizer, as a checkpoint carries it
        self.hash = hashlib.sha256(self.text.encode()).hexdigest()[:16]  # identity, to compare two
        self.vocab_size = size + len(MARKERS)
        markers = range(size, self.vocab_size)
        self.begin, self.system, self.user, self.assistant, self.end, self.pad = markers
        self.number_ids = range(size - NUMBERS, size)  # number i has the i-th of these

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> "Tokenizer":
        """Learn the merges from texts, the digits cut out: numbers are not for BPE to learn."""
        bpe = BPE(models.BPE())
        bpe.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        bpe.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size - NUMBERS - len(MARKERS), show_progress=False,
            # The bytes of the digits are left out: 0-9 come with the numbers below.
            initial_alphabet=[c for c in pre_tokenizers.ByteLevel.alphabet() if not c.isdecimal()])
        pieces = (piece for text in texts for piece in re.split(r"[0-9]+", spaced(text)) if piece)
        bpe.train_from_iterator(pieces, trainer)
        # Added tokens are cut out of a text, the longest first, before BPE sees the rest.
        bpe.add_tokens([AddedToken(str(i), normalized=False) for i in range(NUMBERS)])
        return cls(bpe)

    @classmethod
    def from_text(cls, text: str, path: Path | str) -> "Tokenizer":
        """The tokenizer saved as `text` in the file `path`. Raises `UserError` when it is none."""
        try:
            tokenizer = cls(BPE.from_str(text))
            if any(tokenizer.bpe.token_to_id(str(i)) != token
                   for i, token in enumerate(tokenizer.number_ids)):
                raise ValueError
        except Exception:  # the library raises the bare class for every fault of a text
            raise UserError(f"{path} holds no tokenizer of this project; make it again") from None
        return tokenizer

    @classmethod
    def load(cls, path: Path | str) -> "Tokenizer":
        return cls.from_text(read_text(path), path)

    def save(self, path: Path | str) -> None:
        write_text(path, self.text)

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Ids of plain texts; never a marker."""
        return [e.ids for e in self.bpe.encode_batch_fast([spaced(text) for text in texts])]

    def decode(self, ids: list[int]) -> str:
        """The text that encodes to `ids`, which hold no marker."""
        text = self.bpe.decode(ids, skip_special_tokens=False)
        return text[1:] if re.match(r" +[^\W\d_]", text) else text  # the space of `spaced`

    def word_ids(self) -> list[int]:
        """The tokens that have a letter in them."""
        return [i for i in range(self.begin) if any(c.isalpha() for c in self.decode([i]))]

    def first_words(self, texts: list[str]) -> set[int]:
        """The first token with a letter of each text."""
        words = set(self.word_ids())
        return {next(token for token in ids if token in words) for ids in self.encode(texts)}

    def encode_documents(self, documents: Iterable[list[Turn]]) -> Iterator[tuple[list, list]]:
        """Each document as ids, and which of them are the assistant's or prose, `end` included.

        Prose:  begin text end.   Chat:  [system ...] user ... assistant ... end user ...
        """
        documents = iter(documents)
        while chunk := list(islice(documents, 4_000)):  # lists of all tokens would be large
            texts = iter(self.encode([text for turns in chunk for _, text in turns]))
            for turns in chunk:
                ids, written = [], []
                for role, _ in turns:
                    body, own = next(texts), role in ("text", "assistant")
                    opening = self.begin if role == "text" else getattr(self, role)
                    ids += [opening, *body, self.end] if own else [opening, *body]
                    written += [False, *[own] * (len(ids) - len(written) - 1)]
                yield ids, written

    def encode_prompts(self, chats: list[list[Turn]]) -> list[list[int]]:
        """Chats that end with the user, as ids up to the place where the assistant speaks."""
        return [[*ids, self.assistant] for ids, _ in self.encode_documents(chats)]


def spaced(text: str) -> str:
    """Give a text that begins with a word a space, so that "owl" is the same token everywhere."""
    return " " + text if re.match(r" *[^\W\d_]", text) else text


def learn(corpus: Path, vocab_size: int, out: Path) -> str:
    """The step that makes the tokenizer: learn it from a corpus file."""
    texts = (text for turns in read_documents(corpus) for _, text in turns)
    tokenizer = Tokenizer.train(texts, vocab_size)
    tokenizer.save(out)
    return f"{tokenizer.vocab_size:,} tokens"
