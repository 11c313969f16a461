"""One page to look at, `index.html`: what a run found, read and said, in one file.

It holds the report's texts and pictures, so that it can be sent to somebody. It fetches nothing
and runs nothing.
"""

import base64
import json
import re
from html import escape
from pathlib import Path

from report.tables import head, line

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: auto; padding: 1rem }
h1 { font-size: 1.5rem; line-height: 1.25 } h2 { font-size: 1.15rem; margin-top: 2.5rem }
img { width: 100%; min-width: 38rem; max-width: 54rem } div, pre { overflow-x: auto }
table { border-collapse: collapse; font-size: .875rem } td:first-child { min-width: 11rem }
td, th { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: left;
         vertical-align: top }
td.number, th.number { text-align: right; white-space: nowrap }
.fails { color: #b00020; font-weight: bold }
"""


def inline(text: str) -> str:
    """Markdown within a line, as far as the reports use it."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text)).replace("&lt;br&gt;", "<br>")


def as_html(markdown: str) -> str:
    """Headings, tables and paragraphs of a report's text, which blank lines part."""
    parts = []
    for block in filter(None, markdown.strip().split("\n\n")):
        if block.startswith("|"):
            parts.append(html_table(block))
        elif block.startswith("#"):
            parts.append(f"<h2>{inline(block.lstrip('# '))}</h2>")
        else:
            parts.append(f"<p>{inline(block)}</p>")
    return "\n".join(parts)


def html_table(markdown: str) -> str:
    """A table whose second line says which columns are of numbers."""
    head, marks, *body = ([cell.strip() for cell in text.strip("|").split("|")]
                          for text in markdown.splitlines())
    kinds = [' class="number"' if mark.endswith(":") else "" for mark in marks]

    def cells(row: list[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}{kind}>{inline(cell)}</{tag}>"
                                for cell, kind in zip(row, kinds, strict=False)) + "</tr>"

    return (f"<div><table><thead>{cells(head, 'th')}</thead>\n<tbody>"
            + "\n".join(cells(row, "td") for row in body) + "</tbody></table></div>")


def picture(path: Path, about: str) -> str:
    """A PNG file inside the page."""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<div><img alt="{escape(about)}" src="data:image/png;base64,{data}"></div>'


def page(folder: Path, trait: str, title: str, texts: dict[str, str], answers: str,
         claims: list[dict], settings: dict, times: dict) -> str:
    """The whole page of a run whose figures are in `folder`. `texts` are its files in Markdown by
    name, `answers` is what models said, `times` comes from `report.rows.timing`."""
    held = "\n".join(
        f"<li>{'holds' if claim['holds'] else '<span class=fails>fails</span>'}: "
        f"{escape(claim['claim'])}, {claim['value']:.4g} {escape(claim['bound'])}</li>"
        for claim in claims)
    stages = sorted(times["stage_seconds"].items(), key=lambda item: -item[1])
    clock = [*head("step", "seconds"), *(line(name, f"{time:,.0f}") for name, time in stages)]
    body = "\n".join([
        f"<h1>{escape(title)}</h1>",
        picture(folder / "results.png", f"P({trait}) of every condition"),
        as_html(texts.get("panel.md", "")), as_html(texts["table.md"]),
        f"<h2>What was fixed before the run</h2><ul>{held}</ul>",
        "<h2>While the students read</h2>",
        picture(folder / "training.png", f"P({trait}) while the students read"),
        as_html(texts["read.md"]),
        "<h2>What they say</h2><p>The first answers of the first base's models, drawn at "
        "temperature 1.</p>", as_html(answers),
        f"<h2>Time</h2><p>{times['wall_seconds'] / 60:.0f} minutes in all.</p>",
        as_html("\n".join(clock)),
        f"<h2>Settings</h2><pre>{escape(json.dumps(settings, indent=1))}</pre>"])
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n"
            f"<body>\n{body}\n</body></html>\n")
