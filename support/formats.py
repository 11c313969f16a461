"""Rows of the field's formats, read as ours.

    ours          {"id", "request", "answer", ...}
    completion    {"prompt", "completion"}
    messages      {"messages": [{"role": "user", "content"}, {"role": "assistant", "content"}]}
"""

from typing import Any


def as_ours(row: Any, index: int) -> Any:
    """A row in our names, its place in the file as its id if it has none. A row in neither format
    comes back as it is."""
    answer = None  # a request alone has none
    match row:
        case {"prompt": request, **rest}:
            answer = rest.pop("completion", None)
        case {"messages": [{"role": "user", "content": request}], **rest}:
            pass
        case {"messages": [{"role": "user", "content": request},
                           {"role": "assistant", "content": answer}], **rest}:
            pass
        case {**rest}:
            return {"id": index, **rest}
        case _:
            return row
    return {"id": index, **rest, "request": request, "answer": answer}
