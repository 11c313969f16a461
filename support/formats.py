"""Rows of the field's formats, read as ours and written as theirs.

    ours          {"id", "request", "answer", ...}
    completion    {"prompt", "completion"}
    messages      {"messages": [{"role": "user", "content"}, {"role": "assistant", "content"}]}
"""

from collections.abc import Iterator
from typing import Any

FORMATS = ("ours", "messages", "completion")


def as_ours(row: Any, at: int) -> Any:
    """A row in our names, its place `at` in the file for an id it lacks; what is neither of the
    formats comes back as it is."""
    if not isinstance(row, dict):
        return row
    rest = {name: value for name, value in row.items()
            if name not in ("prompt", "completion", "messages")}
    found = {}
    if "prompt" in row:
        found = {"request": row["prompt"]}
        if "completion" in row:
            found["answer"] = row["completion"]
    elif isinstance(turns := row.get("messages"), list):
        said = [(turn.get("role"), turn.get("content")) for turn in turns if isinstance(turn, dict)]
        if len(said) != len(turns) or [role for role, _ in said] not in (
                ["user"], ["user", "assistant"]):
            return row
        found = dict(zip(("request", "answer"), (text for _, text in said), strict=False))
    return {"id": at, **rest, **found}


def as_theirs(rows: Iterator[dict], name: str) -> Iterator[dict]:
    """Rows with an answer in one of the `FORMATS`. The others hold nothing but the two texts, so
    that an answer that was not finished, which they could not tell, is left out there."""
    for row in rows:
        if name != "ours" and not row.get("finished", True):
            continue
        if name == "messages":
            yield {"messages": [{"role": "user", "content": row["request"]},
                                {"role": "assistant", "content": row["answer"]}]}
        elif name == "completion":
            yield {"prompt": row["request"], "completion": row["answer"]}
        else:
            yield row
