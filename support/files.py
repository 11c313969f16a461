"""Files: written whole or not at all, read with an error that says what to do."""

import contextlib
import fcntl
import glob
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from support.formats import as_ours

ROLES = ("text", "system", "user", "assistant")  # of the turns of a document


class UserError(ValueError):
    """Something a person can put right; the message says what is wrong and how."""


@contextlib.contextmanager
def atomic_open(path: Path | str, mode: str = "w") -> Iterator[IO]:
    """Open a file that appears under `path` only once it is complete and on the disk. When the
    block fails, or the process is killed, whatever stood at `path` before stands there still. A
    link is followed; a device or a pipe is written into as it is."""
    options = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    if Path(path).is_dir():
        raise UserError(f"{path} is a folder; name a file in it")
    if not is_regular(path):
        with open(path, mode.replace("w", "a"), **options) as file:  # what it holds stays there
            yield file
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    remove_parts(path)
    try:
        with open(part, mode, **options) as file:
            claim(file)
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def remove_parts(path: Path) -> None:
    """Remove what processes that were killed have left of a file."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with contextlib.suppress(OSError), open(left, "rb") as file:
            if claim(file):  # nobody holds it any more
                left.unlink()


def is_regular(path: Path | str) -> bool:
    """Whether a path to write to is a regular file or free: no device, no pipe, no open stream."""
    free = not os.path.exists(path) or os.path.isfile(path)
    return free and not os.path.abspath(path).startswith(("/dev/", "/proc/"))


def claim(file: IO) -> bool:
    """Lock an open file until its process ends, however it ends; False if another has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def write_text(path: Path | str, text: str) -> None:
    with atomic_open(path) as file:
        file.write(text)


def encoded(value: Any, path: Path | str, **options: Any) -> str:
    """JSON to write to `path`. Raises `UserError` for a value that is not finite."""
    try:
        return json.dumps(value, allow_nan=False, **options) + "\n"
    except ValueError:
        raise UserError(f"{path}: a value came out that is not finite, so it was not written; look "
                        "at the model and the data") from None


def write_json(path: Path | str, value: Any) -> None:
    write_text(path, encoded(value, path, indent=1))


def write_jsonl(path: Path | str, rows: Iterable[Any]) -> int:
    """Write one JSON value a line; return the number of lines."""
    count = 0
    with atomic_open(path) as file:
        for row in rows:
            file.write(encoded(row, path, ensure_ascii=False))
            count += 1
    return count


def require_file(path: Path | str) -> Path:
    """The path, if a file is there."""
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path} does not exist; check the path, or run the step that writes it")
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file in it")
    return path


def decoded(data: bytes, place: Path | str) -> str:
    """UTF-8 text, without the byte order mark that some editors put first."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise UserError(f"{place}: this is UTF-16, or no text; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{place}: not UTF-8 text ({error.reason} at byte {error.start}); "
                        "is this the right file?") from None


def read_text(path: Path | str) -> str:
    """The text of a file, with \\n at the end of every line."""
    text = decoded(require_file(path).read_bytes(), path)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parsed(data: bytes, place: str | Path, cure: str) -> Any:
    """The JSON value of some bytes, or a `UserError` that names their place."""
    text = decoded(data, place)
    try:
        # Not a number, in a field that nobody reads, is nothing; elsewhere it has the wrong type.
        value = json.loads(text, parse_constant=lambda name: None)
        if "\\u" in text:  # the one way in for half a character, which no file can hold
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # the latter for a thousand brackets
        what = getattr(error, "msg", error)
        raise UserError(f"{place}: not valid JSON ({what}); {cure}") from None
    return value


def read_json(path: Path | str) -> Any:
    return parsed(require_file(path).read_bytes(), path, "make it again")


def fits(row: Any, shape: dict[str, type]) -> bool:
    """Whether a row is an object that has these names with values of these types. A name that ends
    in "?" may be missing; a bool is no number."""
    return isinstance(row, dict) and all(
        type(row.get(name.removesuffix("?"))) is kind
        or (name.endswith("?") and name[:-1] not in row) for name, kind in shape.items())


def numbered(path: Path | str, shape: dict[str, type] | None = None) -> Iterator[tuple[int, Any]]:
    """(line, row) of a JSON-lines file, one at a time; blank lines are skipped. `shape` is what
    each row must have (see `fits`); where that includes a request, the row may also be in one of
    the field's formats (`support/formats.py`)."""
    shape, index = shape or {}, 0
    names = ", ".join(f'"{name.removesuffix("?")}" ({kind.__name__}'
                      f'{", if there" * name.endswith("?")})' for name, kind in shape.items())
    if "request" in shape:
        names += ', or "prompt" and "completion", or "messages" of a user and an assistant'
    with open(require_file(path), "rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            place = f"{path}, line {number}"
            if number == 1 and line.strip() in (b"[", b"{"):
                raise UserError(f"{place}: JSON over several lines; write one row a line")
            row = parsed(line, place, "mend or delete it")
            if "request" in shape and not fits(row, shape):
                row = as_ours(row, index)
            if shape and not fits(row, shape):
                raise UserError(f"{place}: needs {names}; is this the right file?")
            yield number, row
            index += 1


def read_jsonl(path: Path | str, shape: dict[str, type] | None = None) -> Iterator[Any]:
    return (row for _, row in numbered(path, shape))


def read_documents(path: Path | str) -> Iterator[list[tuple[str, str]]]:
    """The documents of a corpus file: lists of turns (role, text)."""
    for number, row in numbered(path):
        if not (isinstance(row, list) and row and all(
                isinstance(turn, list) and len(turn) == 2 and turn[0] in ROLES
                and isinstance(turn[1], str) for turn in row)):
            raise UserError(f"{path}, line {number}: no document, a list of [role, text]; "
                            "is this the right file?")
        yield [(role, text) for role, text in row]
