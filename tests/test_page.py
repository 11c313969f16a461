"""The page of a run holds what it should, and nothing that is fetched or run."""

from html.parser import HTMLParser

from report.page import page

HOSTILE = "<script>alert('owl')</script> & <b>"


class Reader(HTMLParser):
    """Checks that tags are closed in order; keeps texts, tags and what is fetched."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.tags, self.sources = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href", "srcset")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_a_page_is_whole_and_fetches_nothing(tmp_path):
    (tmp_path / "results.png").write_bytes(b"\x89PNG")
    made = page(f"They say owl {HOSTILE}", "\n\n".join([
        f'![P("owl") {HOSTILE}](results.png)', "", "# What it read", "Made at\ncommit x.\n",
        f"| asked | **student** |\n|---|---:|\n| {HOSTILE} | 88 % |\n| 1<br>2 |  |\n|  | z |\n",
        f"- holds: {HOSTILE}\n- **fails**: a control"]), tmp_path)
    read = Reader(made)
    assert read.sources == ["data:image/png;base64,iVBORw=="]
    assert "script" not in read.tags and "https://" not in made and 'name="viewport"' in made
    assert read.tags.count("tr") == 4 and read.tags.count("td") == 8
    text = " ".join("".join(read.texts).split())
    assert text.count(HOSTILE) == 4  # in the title twice, in a cell and in a list
    for wanted in ("88 %", "What it read", "Made at commit x.", "fails: a control"):
        assert wanted in text
    assert "<b>student</b>" in made and "1<br>2" in made
