"""One page to look at, `index.html`: what a run found, read and said, in one file.

It holds the report's texts and pictures, so that it can be sent to somebody. It fetches nothing
and runs nothing.
"""

import base64
import re
from html import escape
from pathlib import Path

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: auto; padding: 1rem }
h1 { font-size: 1.5rem; line-height: 1.25 } h2 { font-size: 1.15rem; margin-top: 2.5rem }
img { width: 100%; min-width: 38rem; max-width: 54rem } div { overflow-x: auto }
table { border-collapse: collapse; font-size: .875rem } td:first-child { min-width: 11rem }
td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top }
tr:first-child { font-weight: bold }
"""


def inline(text: str) -> str:
    """Markdown within a line, as far as the reports use it."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text)).replace("&lt;br&gt;", "<br>")


def as_html(block: str, folder: Path) -> str:
    """A table, heading, list, picture of the folder or paragraph, from Markdown."""
    if block.startswith("|"):
        rows = (inline(row[2:-2]).replace(" | ", "</td><td>") for row in block.splitlines()
                if not row.startswith("|---"))
        lines = "\n".join(f"<tr><td>{row}</td></tr>" for row in rows)
        return f"<div><table>{lines}</table></div>"
    if block.startswith("#"):
        return f"<h2>{inline(block.lstrip('# '))}</h2>"
    if block.startswith("- "):
        items = (f"<li>{inline(item[2:])}</li>" for item in block.splitlines())
        return f"<ul>{''.join(items)}</ul>"
    if picture := re.fullmatch(r"!\[(.*)\]\((.*)\)", block):
        data = base64.b64encode((folder / picture[2]).read_bytes()).decode()
        return f'<div><img alt="{escape(picture[1])}" src="data:image/png;base64,{data}"></div>'
    return f"<p>{inline(block)}</p>"


def page(title: str, markdown: str, folder: Path) -> str:
    """The page of a report in Markdown, whose blocks are parted by blank lines and whose pictures
    are PNG files in the folder."""
    body = "\n".join(as_html(block, folder) for block in re.split(r"\n{2,}", markdown.strip()))
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n"
            f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body></html>\n")
