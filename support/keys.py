"""The source that a step depends on: all that its function reaches by import, without comments,
docstrings, error sentences and command lines: an edit of those makes nothing again."""

import ast
import contextlib
import hashlib
import subprocess
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
# How files and flags are handled, and which step takes which: no result depends on these modules.
# What they pass to a step is keyed as a value.
PLUMBING = {"experiment", "lab", "support", *(f"support.{name}" for name in (
    "files", "formats", "cli", "settings", "keys", "steps", "runner", "machine"))}


def commit() -> str | None:
    """The commit of the working tree, with "-dirty" where files differ. None without git, and where
    it would be that of a repository around this folder."""
    def git(*words: str) -> str:
        with contextlib.suppress(OSError):
            return subprocess.run(["git", "-C", ROOT, *words], capture_output=True,
                                  text=True).stdout.strip()
        return ""

    if Path(git("rev-parse", "--show-toplevel")).resolve() != ROOT.resolve():
        return None
    return git("describe", "--always", "--dirty", "--abbrev=12") or None


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
            for name in (alias.name for alias in node.names):
                inner = f"{node.module}.{name}"
                found.append((inner, "") if file_of(inner) else (node.module, name))
    return [(module, name) for module, name in found if file_of(module)]


def content_of(module: str, names: set[str]) -> bytes:
    """The source of a module, and the script and the data beside it that have its name. Where every
    imported name is a table of the data, as ASK is of `corpus/wordings.toml`, only these count."""
    code, data = ast.unparse(tree_of(module)).encode(), file_of(module).with_suffix(".toml")
    if (script := data.with_suffix(".js")).is_file():
        code += script.read_bytes()
    if not data.is_file():
        return code
    tables = tomllib.loads(data.read_text(encoding="utf-8"))
    if {name.lower() for name in names} <= tables.keys():
        return code + repr([tables[name.lower()] for name in sorted(names)]).encode()
    return code + data.read_bytes()


@cache
def sources(module: str) -> dict[str, str]:
    """The hash of every module that `module` reaches, itself included."""
    reached: dict[str, set[str]] = {}
    todo = [(module, "")]
    while todo:
        name, part = todo.pop()
        if name not in PLUMBING and part not in reached.get(name, ()):
            todo += imports(tree_of(name)) if name not in reached else []
            reached.setdefault(name, set()).add(part)
    return {name: hashlib.sha256(content_of(name, names)).hexdigest()[:16]
            for name, names in sorted(reached.items())}
