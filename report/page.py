"""One page to look at, `index.html`: what a run found, read and said, in a file of its own.

It is made of what the report has already put into words and pictures, which it holds inside, so
that it can be sent to somebody. Nothing is fetched, nothing runs in it.
"""

import base64
import json
import re
from html import escape
from pathlib import Path

from report.rows import side_by_side
from report.tables import line

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem;
       color: #222; background: #fff }
h1 { font-size: 1.5rem; line-height: 1.25 } h2 { font-size: 1.15rem; margin-top: 2.5rem }
img { width: 100%; min-width: 38rem; max-width: 54rem; height: auto }
div { overflow-x: auto; margin: 1rem 0 } table { border-collapse: collapse; font-size: .875rem }
td:first-child { min-width: 11rem }
td, th { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: left;
         vertical-align: top } td.number, th.number { text-align: right; white-space: nowrap }
pre { overflow-x: auto; background: #f5f5f5; padding: .75rem; font-size: .8125rem }
.fails { color: #b00020; font-weight: bold }
"""


def inline(text: str) -> str:
    """Markdown within a line, as far as the reports use it."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text)).replace("&lt;br&gt;", "<br>")


def as_html(markdown: str) -> str:
    """Headings, tables and paragraphs of a report's page. A column is of numbers where the line
    below the head of the table says so."""
    parts, table = [], []
    for text in [*markdown.splitlines(), ""]:
        if text.startswith("|"):
            table.append([cell.strip() for cell in text.strip("|").split("|")])
            continue
        if table:
            parts.append(html_table(table))
            table = []
        if text.startswith("#"):
            parts.append(f"<h2>{inline(text.lstrip('# '))}</h2>")
        elif text:
            parts.append(f"<p>{inline(text)}</p>")
    return "\n".join(parts)


def html_table(rows: list[list[str]]) -> str:
    """The head, the line that says how columns are set, and the body."""
    kinds = [' class="number"' if mark.endswith(":") else "" for mark in rows[1]]

    def cells(row: list[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}{kind}>{inline(cell)}</{tag}>"
                                for cell, kind in zip(row, kinds, strict=False)) + "</tr>"

    body = "\n".join(cells(row, "td") for row in rows[2:])
    return (f"<div><table><thead>{cells(rows[0], 'th')}</thead>\n"
            f"<tbody>{body}</tbody></table></div>")


def picture(path: Path, about: str) -> str:
    """An SVG file inside the page."""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<div><img alt="{escape(about)}" src="data:image/svg+xml;base64,{data}"></div>'


def answers(folder: Path, trait: str, models: tuple[str, ...], most: int = 12) -> str:
    """What models of the first seed said to the first questions, side by side, in Markdown."""
    lines = [line("question", *models), "|---" * (len(models) + 1) + "|"]
    for texts in side_by_side(folder, trait, models)[:most]:
        lines.append(line(*(re.sub(r"[|\s]+", " ", text) for text in texts)))
    return "\n".join(lines)


def page(folder: Path, trait: str, title: str, texts: list[str], claims: list[dict],
         settings: dict, times: dict) -> str:
    """The whole page of a run. `texts` are its tables in Markdown, `times` those of
    `report.rows.timing`."""
    held = "\n".join(
        f"<li>{'holds' if claim['holds'] else '<span class=fails>fails</span>'}: "
        f"{escape(claim['claim'])}, {claim['value']:.4g} {escape(claim['bound'])}</li>"
        for claim in claims)
    stages = sorted(times["stage_seconds"].items(), key=lambda item: -item[1])
    clock = "\n".join([line("stage", "seconds"), "|---|---:|",
                       *(line(name, f"{seconds:,.0f}") for name, seconds in stages)])
    parts = [
        f"<h1>{escape(title)}</h1>", picture(folder / "results.svg", f"P({trait}) of every arm"),
        *map(as_html, texts[:-1]),
        "<h2>What was fixed before the run</h2>", f"<ul>{held}</ul>",
        "<h2>While the students read</h2>",
        picture(folder / "training.svg", f"P({trait}) while the students read"),
        as_html(texts[-1]),
        "<h2>What they say</h2>", "<p>The first answers of the first base's models, drawn at "
        "temperature 1.</p>", as_html(answers(folder, trait, ("base", "teacher", "student"))),
        f"<h2>Time</h2><p>{times['wall_seconds'] / 60:.0f} minutes in all.</p>", as_html(clock),
        "<h2>Settings</h2>", f"<pre>{escape(json.dumps(settings, indent=1))}</pre>"]
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n<body>\n"
            + "\n".join(parts) + "\n</body></html>\n")
