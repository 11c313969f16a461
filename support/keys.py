"""The source that a step depends on: all that its function reaches by import.

Comments, docstrings, error sentences and command lines are left out, so that an edit of those
makes nothing again.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
# How files and flags are handled, and which step takes which: no result depends on these modules.
# What they pass to a step is keyed as a value.
PLUMBING = {"support", "support.files", "support.formats", "support.cli", "support.settings",
            "support.keys", "support.runner", "support.machine", "experiment"}


def file_of(module: str) -> Path | None:
    """The file of a module of this project; None for a module of anybody else."""
    path = ROOT.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


class Stripped(ast.NodeTransformer):
    """Takes out docstrings, `main` and what calls it, and the texts of errors and prints."""

    def visit(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        if isinstance(getattr(node, "body", None), list):
            node.body = [one for one in node.body if not (
                (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
                or (isinstance(one, ast.FunctionDef) and one.name == "main")
                or (isinstance(one, ast.If) and "__main__" in ast.dump(one.test)))] or [ast.Pass()]
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("UserError", "print"):
            node.args = []
        return node


@cache
def tree_of(module: str) -> ast.Module:
    return Stripped().visit(ast.parse(file_of(module).read_bytes()))


def imports(tree: ast.Module) -> list[tuple[str, str]]:
    """(module, name) of all that is imported from this project; the name "" is the whole module."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            for inner, name in ((f"{node.module}.{one.name}", one.name) for one in node.names):
                found.append((inner, "") if file_of(inner) else (node.module, name))
    return [(module, name) for module, name in found if file_of(module)]


def text_of(module: str, names: set[str]) -> str:
    """The source of a module; of one that is constants alone, only those imported by name."""
    tree = tree_of(module)
    if "" not in names and all(isinstance(one, ast.Assign) for one in tree.body):
        return "\n".join(sorted(text for one in tree.body
                                if (text := ast.unparse(one)).split(" = ")[0] in names))
    return ast.unparse(tree)


@cache
def sources(module: str) -> dict[str, str]:
    """The hash of every module that `module` reaches, itself included. A data file beside a module
    that has its name, such as `corpus/world.toml`, belongs to it."""
    reached: dict[str, set[str]] = {}
    todo = [(module, "")]
    while todo:
        name, part = todo.pop()
        if name not in PLUMBING and part not in reached.get(name, ()):
            todo += imports(tree_of(name)) if name not in reached else []
            reached.setdefault(name, set()).add(part)
    hashes = {}
    for name, parts in sorted(reached.items()):
        data = file_of(name).with_suffix(".toml")
        code = text_of(name, parts).encode() + (data.read_bytes() if data.is_file() else b"")
        hashes[name] = hashlib.sha256(code).hexdigest()[:16]
    return hashes
