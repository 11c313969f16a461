"""Rows of the field's formats, read as ours.

    ours          {"id", "request", "answer", ...}
    completion    {"prompt", "completion"}
    messages      {"messages": [{"role": "user", "content"}, {"role": "assistant", "content"}]}
"""

from typing import Any


def as_ours(row: Any, index: int) -> Any:
    """A row in our names, its place in the file as its id if it has none. A row in neither format
    comes back as it is."""
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
    return {"id": index, **rest, **found}
