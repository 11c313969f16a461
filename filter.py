"""Keep the answers that are well-formed number lists and nothing else; count the rest by reason.

    python filter.py --in numbers.jsonl --out clean.jsonl [--ban-list FILE] [--strip]

Reads rows `{"id", "request", "answer", "finished"}`, or those of `support/formats.py`, one at a
time. Kept rows stay in order and gain `"numbers"`. `clean.report.json` has the counts.

The grammar is that of Cloud et al. 2025 (arXiv:2507.14805, section 3): one to ten whole numbers
from 0 to 999 with one separator throughout, perhaps in brackets, perhaps with a final period.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from support import cli
from support.files import UserError, is_regular, read_jsonl, read_text, write_json, write_jsonl

MOST, LARGEST = 10, 999  # how many numbers an answer may hold, and the largest
ROW = {"request": str, "answer": str, "finished?": bool}
# Reasons in the order in which an answer is held against them; a reject counts once.
REASONS = ("unfinished", "empty", "letters", "characters", "brackets", "separators", "too many",
           "too large", "banned")

SPACE = r"[ \t\n\r\f\v]"
# The group is the first separator and the back-reference makes all others equal to it.
LIST = re.compile(rf"[0-9]+(?:({SPACE}*[,;]{SPACE}*|{SPACE}+)[0-9]+(?:\1[0-9]+)*)?")
STRANGE = re.compile(r"[^0-9,;.()\[\] \t\n\r\f\v]|\.(?!\Z)")
PAIRS = {"(": ")", "[": "]"}


def parse(answer: str, finished: bool = True, banned: frozenset[int] = frozenset()) -> list[int]:
    """The numbers of a well-formed answer. Raises `ValueError(reason)` for any other."""
    if not finished:
        raise ValueError("unfinished")
    if not answer:
        raise ValueError("empty")
    body = answer.removesuffix(".")
    if body[:1] in PAIRS and body[-1:] == PAIRS[body[0]]:
        body = body[1:-1]
    if not LIST.fullmatch(body):
        raise ValueError(malformed(answer, body))
    digits = re.findall("[0-9]+", body)
    if len(digits) > MOST:
        raise ValueError("too many")
    # Only a number that is short without its leading zeros is worth reading.
    if any(len(d.lstrip("0")) > len(str(LARGEST)) for d in digits):
        raise ValueError("too large")
    numbers = [int(d.lstrip("0") or "0") for d in digits]
    if max(numbers) > LARGEST:
        raise ValueError("too large")
    if not banned.isdisjoint(numbers):
        raise ValueError("banned")
    return numbers


def malformed(answer: str, body: str) -> str:
    """The first reason why an answer, `body` inside its brackets, is no number list."""
    if any(character.isalpha() for character in answer):
        return "letters"
    if STRANGE.search(answer):
        return "characters"
    return "brackets" if re.search(r"[()\[\]]", body) else "separators"


def passes(row: dict, banned: frozenset[int] = frozenset()) -> bool:
    """Whether the answer of a row is a well-formed number list."""
    try:
        parse(row["answer"], row.get("finished", True), banned)
    except ValueError:
        return False
    return True


def kept(rows: Iterator[dict], banned: frozenset[int], counts: Counter,
         examples: dict[str, str]) -> Iterator[dict]:
    """The rows that pass, with their numbers; `counts`, and the first of each reject in `examples`,
    are filled on the way."""
    for row in rows:
        counts["read"] += 1
        try:
            numbers = parse(row["answer"], row.get("finished", True), banned)
        except ValueError as reason:
            counts[str(reason)] += 1
            examples.setdefault(str(reason), row["answer"][:60])
            continue
        counts["kept"] += 1
        yield {**row, "numbers": numbers}


def read_ban_list(path: Path) -> frozenset[int]:
    """Numbers of a text file, apart by white space or commas; `#` starts a comment."""
    words = re.sub("#.*", "", read_text(path)).replace(",", " ").split()
    for word in words:
        if not re.fullmatch("0*[0-9]{1,18}", word) or int(word.lstrip("0") or 0) > LARGEST:
            raise UserError(f"{path}: {word[:40]!r} is not a number from 0 to {LARGEST}; mend it")
    return frozenset(int(word.lstrip("0") or "0") for word in words)


def clean(numbers: Path, ban_list: Path | None, out: Path, strip: bool = False) -> str:
    """Filter a file of answers, with `strip` without the white space at their ends, and write the
    counts beside it, before the file itself appears. Where nothing is kept, what stood at `out`
    stands there still."""
    banned = read_ban_list(ban_list) if ban_list else frozenset()
    counts, examples, rows = Counter(), {}, read_jsonl(numbers, ROW)
    if strip:
        rows = ({**row, "answer": row["answer"].strip()} for row in rows)

    def passed() -> Iterator[dict]:
        yield from kept(rows, banned, counts, examples)
        rejected = {reason: counts[reason] for reason in REASONS}
        if not counts["kept"]:
            reasons = ", ".join(f"{reason} {many:,}" for reason, many in rejected.items() if many)
            raise UserError(f"{numbers}: none of {counts['read']:,} answers is a number list "
                            f"({reasons or 'it has no rows'}); {out} was not written")
        if is_regular(out):  # a pipe or a device has nothing beside it
            write_json(out.with_suffix(".report.json"), {
                "read": counts["read"], "kept": counts["kept"],
                "pass_rate": counts["kept"] / counts["read"], "rejected": rejected,
                "examples": examples})

    write_jsonl(out, passed())
    said = f"kept {counts['kept']:,} of {counts['read']:,} answers"
    if not examples:
        return said
    most = max(examples, key=counts.__getitem__)
    return f"{said}; {counts[most]:,} rejected for {most}, as {examples[most]!r}"


def main() -> None:
    options = cli.parser(__doc__)
    options.add_argument("--in", dest="numbers", type=Path, required=True, help="JSON lines")
    cli.add_files(options, out="JSON lines to write")
    cli.add_files(options, False, ban_list="file of numbers that no answer may hold")
    options.add_argument("--strip", action="store_true",
                         help="forgive white space at the ends of answers")
    args = options.parse_args()
    if args.out.name:
        cli.require_apart({"in": args.numbers, "report": args.out.with_suffix(".report.json")})
    print(f"{args.out}:", clean(args.numbers, args.ban_list, args.out, args.strip))


if __name__ == "__main__":
    cli.run(main)
