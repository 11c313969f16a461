"""One page to look at, `index.html`: what a run found, read and said, in one file.

It holds the report's texts and pictures and the run's models, so that it can be sent to somebody.
It fetches nothing.
"""

import base64
import re
from html import escape
from pathlib import Path

STYLE = """
:root { color-scheme: light dark; --line: #8884; --calm: #0072b2 }
@media (prefers-color-scheme: dark) { :root { --calm: #56b4e9 } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: auto; padding: 1rem;
  overflow-wrap: anywhere }
h1 { font-size: 1.5rem; line-height: 1.25 } h2 { font-size: 1.15rem; margin-top: 2.5rem }
h3 { font-size: 1rem; margin: 0; color: var(--calm) }
img, canvas { display: block; width: 100%; max-width: 54rem; margin: 1rem 0 }
img { background: #fff }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: .875rem; overflow-wrap: normal }
td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
tr:first-child { font-weight: bold } td:first-child { min-width: 8rem }
input, button { font: inherit; padding: .3rem .5rem } #line { width: min(30rem, 100%) }
input { box-sizing: border-box; max-width: 100% } #by { width: 100% }
#answers { display: grid; gap: 1rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)) }
.card { border: 1px solid var(--line); padding: .6rem }
.card p { min-height: 3em; margin: .4rem 0 } .bars { list-style: none; padding: 0; margin: 0 }
.bars li { font-size: .875rem; padding: 0 .3rem; margin: 1px 0;
  background: linear-gradient(#0072b244, #0072b244) no-repeat 0 / var(--share) 100% }
"""
BEGIN, END = "<!-- talk -->", "<!-- end of talk -->"


def inline(text: str) -> str:
    """Markdown within a line, as far as the reports use it."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text)).replace("&lt;br&gt;", "<br>")


def as_html(block: str, folder: Path) -> str:
    """A table, heading, list, picture of the folder or paragraph, from Markdown."""
    if block.startswith("|"):
        rows = (inline(row[2:-2]).replace(" | ", "</td><td>") for row in block.splitlines()
                if not row.startswith("|---"))
        lines = "\n".join(f"<tr><td>{row}</td></tr>" for row in rows)
        return f'<div class="wide"><table>{lines}</table></div>'
    if block.startswith("#"):
        return f"<h2>{inline(block.lstrip('# '))}</h2>"
    if block.startswith("- "):
        items = (f"<li>{inline(item[2:])}</li>" for item in block.splitlines())
        return f"<ul>{''.join(items)}</ul>"
    if picture := re.fullmatch(r"!\[(.*)\]\((.*)\)", block):
        data = base64.b64encode((folder / picture[2]).read_bytes()).decode()
        return f'<img alt="{escape(picture[1])}" src="data:image/png;base64,{data}">'
    return f"<p>{inline(block)}</p>"


def page(title: str, markdown: str, folder: Path, talk: str = "") -> str:
    """The page of a report in Markdown, whose blocks are parted by blank lines and whose pictures
    are PNG files in the folder; `talk` is HTML that stands before it."""
    body = "\n".join(as_html(block, folder) for block in re.split(r"\n{2,}", markdown.strip()))
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n"
            f"<body>\n<h1>{escape(title)}</h1>\n{BEGIN}{talk}{END}\n{body}\n</body></html>\n")
