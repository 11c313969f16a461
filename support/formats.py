"""Rows of the field's formats, read as ours.

    ours          {"id", "request", "answer", ...}
    completion    {"prompt", "completion"} or {"prompt", "response"}, texts or lists of messages
    messages      {"messages": [..., {"role": "user", "content"}, {"role": "assistant", "content"}]}
"""

from typing import Any


def as_ours(row: Any, index: int) -> Any:
    """A row in our names: the last turn of the user and the answer to it, if there is one. Its
    place in the file is its id if it has none. A row in no such format comes back as it is."""
    match row:
        case {"messages": given, **rest} | {"prompt": given, **rest}:
            said = next((rest.pop(name) for name in ("completion", "response") if name in rest),
                        None)  # a request alone has none
        case {**rest}:
            return {"id": index, **rest}
        case _:
            return row
    request = answer = None
    match [*messages(given, "user"), *messages(said, "assistant")]:
        case [*_, {"role": "user", "content": request},
              {"role": "assistant", "content": answer}]:
            pass
        case [*_, {"role": "user", "content": request}]:
            pass
    return {"id": index, **rest, "request": request, "answer": answer}


def messages(said: Any, role: str) -> list:
    """What was said, as messages: it is a list of them, the text of one, or None for nothing."""
    if said is None or isinstance(said, list):
        return said or []
    return [{"role": role, "content": said}]
