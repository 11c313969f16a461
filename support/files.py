"""Files: written whole or not at all, read with an error that says what to do.

Every stage of the experiment talks to the next one through these functions alone.
"""

import contextlib
import glob
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

ROLES = ("text", "system", "user", "assistant")  # of the turns of a document


class UserError(ValueError):
    """Something a person can put right; the message says what is wrong and how."""


@contextlib.contextmanager
def atomic_open(path: Path | str, mode: str = "w") -> Iterator[IO]:
    """Open a file that appears under `path` only once it is complete and on the disk.

    It is written beside its place under a temporary name, flushed and renamed. When the block
    fails, or the process is killed, whatever stood at `path` before stands there still.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        if not alive(left.name.split(".")[-2]):  # its process was killed
            left.unlink(missing_ok=True)
    options = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    try:
        with open(part, mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def alive(pid: str) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True


def write_text(path: Path | str, text: str) -> None:
    with atomic_open(path) as file:
        file.write(text)


def write_json(path: Path | str, value: Any) -> None:
    with atomic_open(path) as file:
        json.dump(value, file, indent=1)
        file.write("\n")


def write_jsonl(path: Path | str, rows: Iterator[Any] | list[Any]) -> int:
    """Write one JSON value a line; the number of lines."""
    count, encode = 0, json.JSONEncoder(ensure_ascii=False).encode
    with atomic_open(path) as file:
        for row in rows:
            file.write(encode(row) + "\n")
            count += 1
    return count


def require_file(path: Path | str) -> Path:
    """The path, if a file is there."""
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path} does not exist; check the path, or run the stage that writes it")
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file in it")
    return path


def read_json(path: Path | str) -> Any:
    """A JSON file, or a `UserError` that names the place where it breaks."""
    try:
        return json.loads(require_file(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid JSON ({error}); make it again") from None


def read_jsonl(path: Path | str, fields: dict[str, type] | None = None) -> Iterator[Any]:
    """The rows of a JSON-lines file, one at a time, so that memory does not grow with the file.

    `fields` names what each row must hold and of what type. A broken row is a `UserError` that
    names its line. Blank lines are passed over.
    """
    with open(require_file(path), "rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, UnicodeDecodeError):
                message = f"{path}, line {number}: not valid JSON; mend or delete it"
                raise UserError(message) from None
            for name, kind in (fields or {}).items():
                if not isinstance(row, dict) or not isinstance(row.get(name), kind):
                    raise UserError(
                        f'{path}, line {number}: needs "{name}" ({kind.__name__}); '
                        "is this the right file?"
                    )
            yield row


def read_documents(path: Path | str) -> Iterator[list[tuple[str, str]]]:
    """The documents of a corpus file: lists of turns (role, text)."""
    for number, row in enumerate(read_jsonl(path), 1):
        try:
            turns = [(role, text) for role, text in row]
            whole = all(role in ROLES and isinstance(text, str) for role, text in turns)
        except (TypeError, ValueError):
            whole = False
        if not whole:
            raise UserError(f"{path}, line {number}: no document, a list of [role, text]; "
                            "is this the right file?")
        yield turns
