"""The MIME bundle: what it holds, what it costs, and what can't break out of it."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from jupyter_recorder.errors import EmbedTooLarge, StorageError
from jupyter_recorder.replay import static_files
from jupyter_recorder.replay.bundle import (
    CAST_TYPE,
    RECORDING_TYPE,
    ReplayData,
    ReplayOptions,
    link_bundle,
    mime_bundle,
    page_around,
)

JOURNAL = b'{"seq":1,"at":1000,"type":"cell_start","cell_id":"a","execution_count":1,"source":"1"}\n'
CAST = b'{"version":2,"width":80,"height":24}\n[0.1,"o","hello"]\n'
MANIFEST = {"id": "demo-20261120-231501", "name": "demo", "kind": "notebook", "started_at": 1000}
LIMIT = 5 << 20
HOSTILE = "</script></iframe><script>alert(1)</script><!-- \u2028\u2029 \" ' & {{DATA}} {{CODE}}"


class Tags(HTMLParser):
    """Every start tag with its attributes, as a browser's parser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def names(self) -> list[str]:
        return [tag for tag, _ in self.found]


def bundle(data: ReplayData, options: ReplayOptions = ReplayOptions(), *, summary: str = "a replay") -> dict[str, Any]:  # noqa: B008
    return mime_bundle(data, options, summary=summary, max_embed_bytes=LIMIT)


def data(**changed: Any) -> ReplayData:
    fields = {"manifest": MANIFEST, "journal": JOURNAL, "casts": {"terminal.cast": CAST}, "blobs": {"ab": b"\x00\xff"}}
    return ReplayData(**{**fields, **changed})


def page(made: dict[str, Any]) -> str:
    """The document inside the frame."""
    return next(attributes["srcdoc"] or "" for tag, attributes in Tags(made["text/html"]).found if tag == "iframe")


def test_what_is_embedded_is_the_recording() -> None:
    """The data, inflated, is the manifest, the journal, the casts as text and the blobs in base64."""
    embedded = bundle(data())[RECORDING_TYPE]["data"]
    expected = {
        "manifest": MANIFEST,
        "journal": JOURNAL.decode(),
        "casts": {"terminal.cast": CAST.decode()},
        "blobs": {"ab": base64.b64encode(b"\x00\xff").decode()},
    }
    assert json.loads(gzip.decompress(base64.b64decode(embedded))) == expected


def test_both_forms_carry_the_same_data_and_options() -> None:
    """The frame of the HTML holds what the recording's own type holds."""
    made = bundle(data(), ReplayOptions(speed=2.0, idle=1.5, start=3.0))
    options = {"speed": 2.0, "idle": 1.5, "start": 3.0}
    assert made[RECORDING_TYPE]["options"] == options
    assert f'id="options">{json.dumps(options, separators=(",", ":"))}<' in page(made)
    assert f'id="data">{made[RECORDING_TYPE]["data"]}<' in page(made)


def test_the_html_costs_at_most_220_000_bytes_over_its_data() -> None:
    """The player and the page around it fit into the limit, measured on a recording as good as empty."""
    tiny = ReplayData({}, b"", {}, {})
    made = bundle(tiny)
    assert len(made["text/html"].encode()) - len(made[RECORDING_TYPE]["data"]) <= 220_000


def test_a_bundle_is_the_same_each_time() -> None:
    """A notebook that is run again does not change by a byte."""
    assert bundle(data()) == bundle(data())


def test_the_frame_is_sandboxed_and_its_policy_comes_first() -> None:
    """The frame may run scripts and nothing else, and its policy stands before all else in its head."""
    frame = dict(Tags(bundle(data())["text/html"]).found)["iframe"]
    assert frame["sandbox"] == "allow-scripts"
    head = page(bundle(data())).split("<head>")[1].lstrip()
    assert head.startswith('<meta http-equiv="Content-Security-Policy" content="default-src \'none\';')


@pytest.mark.parametrize("field", ["name", "title", "id"])
def test_a_hostile_manifest_adds_no_tag(field: str) -> None:
    """Whatever a recording is called, the page and the frame have the tags that they always have."""
    plain, hostile = bundle(data()), bundle(data(manifest={**MANIFEST, field: HOSTILE}))
    assert Tags(hostile["text/html"]).names() == Tags(plain["text/html"]).names()
    assert Tags(page(hostile)).names() == Tags(page(plain)).names()


def test_hostile_content_adds_no_tag() -> None:
    """Journal, cast and summary can't end the attribute or the script element that carries them."""
    hostile = data(journal=HOSTILE.encode(), casts={HOSTILE: HOSTILE.encode()}, blobs={HOSTILE: b"x"})
    made, plain = bundle(hostile, summary=HOSTILE), bundle(data())
    assert Tags(made["text/html"]).names() == Tags(plain["text/html"]).names()
    assert Tags(page(made)).names() == Tags(page(plain)).names()


def test_a_title_is_never_filled_in() -> None:
    """A name that looks like a place in the template stays text."""
    title = re.search("<title>(.*?)</title>", page(bundle(data(manifest={"name": "{{DATA}} {{CODE}}"}))))
    assert title is not None
    assert title[1] == "Replay of {{DATA}} {{CODE}}"


def test_a_page_is_cut_where_data_goes_and_nowhere_else() -> None:
    """A title with the character that marks the places, which a browser would not show either."""
    before, between, after = page_around("a\0b", ReplayOptions())
    assert "<title>Replay of a\N{REPLACEMENT CHARACTER}b</title>" in before
    assert between.endswith('id="data">')
    assert after.startswith("</script>")


def test_invalid_utf8_is_replaced() -> None:
    """A byte that is no UTF-8 costs itself, not the replay."""
    embedded = bundle(data(journal=b'{"a":"\xff"}\n', casts={}))[RECORDING_TYPE]["data"]
    assert json.loads(gzip.decompress(base64.b64decode(embedded)))["journal"] == '{"a":"\ufffd"}\n'


def test_too_much_to_embed_is_an_error_with_both_sizes() -> None:
    """The limit holds for what is embedded; one byte under it is refused, and the error says what it would take."""
    size = len(bundle(data())[RECORDING_TYPE]["data"])
    mime_bundle(data(), ReplayOptions(), summary="", max_embed_bytes=size)
    with pytest.raises(EmbedTooLarge) as caught:
        mime_bundle(data(), ReplayOptions(), summary="", max_embed_bytes=size - 1)
    assert (caught.value.size, caught.value.limit) == (size, size - 1)


def test_a_lone_terminal_is_an_asciicast_as_well() -> None:
    """With one cast and nothing else to replay, the bundle holds that cast."""
    markers = b'{"seq":1,"at":1,"type":"terminal_start","track":"terminal","file":"terminal.cast"}\n'
    assert bundle(data(journal=markers))[CAST_TYPE] == CAST.decode()


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"journal": b'{"seq":1,"at":1,"type":"message_add","message_id":"a","content":"x"}\n'},
        {"journal": b"", "casts": {"terminal.cast": CAST, "terminal-2.cast": CAST}},
        {"journal": b"", "casts": {}},
    ],
)
def test_other_recordings_are_no_asciicast(changed: dict[str, Any]) -> None:
    """With a second track, or none, no single cast could stand for the recording."""
    assert CAST_TYPE not in bundle(data(**changed))


def test_a_link_holds_the_id_and_no_data_host_or_token() -> None:
    """A linked replay names the recording and leaks nothing of where it was made."""
    manifest = {**MANIFEST, "writer": {"host": "secret-host"}, "token": "secret-token", "path": "/secret-path"}
    made = link_bundle(manifest, ReplayOptions(), summary="replay of demo")
    options = {"speed": 1.0, "idle": None, "start": 0.0}
    assert made[RECORDING_TYPE] == {"version": 1, "id": MANIFEST["id"], "name": "demo", "options": options}
    assert "secret" not in json.dumps(made)


def test_a_link_is_plain_html() -> None:
    """The fallback of a link is one sentence, with the summary escaped."""
    made = link_bundle(MANIFEST, ReplayOptions(), summary=HOSTILE)
    assert Tags(made["text/html"]).names() == ["p"]
    assert html.escape(HOSTILE) in made["text/html"]


def test_a_page_without_frames_still_says_what_there_is() -> None:
    """The summary stands in the frame's element, where a sanitiser that drops frames leaves it."""
    assert ">8 cells &amp; a chat</iframe>" in bundle(data(), summary="8 cells & a chat")["text/html"]


def test_a_missing_player_says_how_to_build_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the built files there is one clear error, not a traceback of the import system."""
    monkeypatch.setattr("importlib.resources.files", lambda _package: tmp_path)
    static_files.read_static.cache_clear()
    with pytest.raises(StorageError, match="jlpm build:prod"):
        bundle(data())


def test_importing_the_module_loads_neither_ipython_nor_jupyter() -> None:
    """The bundle can be made where there is no Jupyter."""
    code = "import sys, jupyter_recorder.replay.bundle; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"IPython", "jupyter_server", "tornado", "traitlets"}
    assert heavy & {name.split(".")[0] for name in loaded} == set()
