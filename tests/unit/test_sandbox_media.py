"""The sandbox's media: real files, the right size, the brand's colours, the same bytes every time."""

import array
import io
import os
import subprocess
import sys
import wave

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from atelier_sandbox import audio, image, video
from atelier_sandbox.lettering import fit, font, wrap
from atelier_sandbox.paints import PAINTS, contrast
from atelier_sandbox.palette import READABLE, Palette, palette_for
from atelier_sandbox.panel import card

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)
SEEDS = st.integers(min_value=0, max_value=2**63)

HOSTILE = [
    "",
    "\n\r\n\x0b\x0c\u2028",
    "\x00\x07\x1b[31m\x7f",
    "\ud800 half a pair \udfff",
    "👩‍👩‍👧‍👦 🏳️‍🌈 😀",
    "東京の夜、雨に濡れた路地" * 400,
    "مرحبا שלום \u202eright to left\u202c",
    "Z̸̢̛̬͝a̵̡͎͑l̷g̵o̴",
    "\ufdfa" * 5000,
    "W" * 5000,
    "i " * 2500,
]

PROMPT = "A ceramic coffee cup on a stone table at dawn"
PALETTE = palette_for(PROMPT, "Use blue color scheme", 7)


def opened(png: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(png))
    picture.load()
    return picture


def colours_of(palette: Palette) -> set[tuple[int, int, int]]:
    return {palette.background, palette.accent, palette.highlight}


# --- palette ---------------------------------------------------------------------------------


def test_guidelines_that_say_blue_make_the_ground_blue() -> None:
    palette = palette_for("a red apple", "Use blue color scheme", 1)
    assert palette.background == PAINTS["blue"]
    assert palette.accent == PAINTS["red"]


def test_a_hex_code_in_the_guidelines_is_used_exactly() -> None:
    palette = palette_for("anything", "Our colours are #1A2B3C and then #ff8800.", 1)
    assert (palette.background, palette.accent) == ((0x1A, 0x2B, 0x3C), (0xFF, 0x88, 0x00))


def test_the_prompts_colours_count_when_the_guidelines_name_none() -> None:
    assert palette_for("A TEAL bicycle", "Keep it friendly", 1).background == PAINTS["teal"]


def test_without_colour_words_the_seed_chooses() -> None:
    assert len({palette_for("a bicycle", "", seed).background for seed in range(20)}) > 3


@pytest.mark.parametrize(
    "refusal", ["avoid red and gold", "No red, no gold", "don't use any red or gold", "not red, gold"]
)
def test_a_refused_colour_is_never_painted(refusal: str) -> None:
    for seed in range(20):
        palette = palette_for("a red car and golden light", refusal, seed)
        assert not colours_of(palette) & {PAINTS["red"], PAINTS["gold"]}


def test_a_mood_changes_ground_and_keeps_brand_accent() -> None:
    dark = palette_for("x", "dark, #22aa66", 1)
    light = palette_for("x", "light, #22aa66", 1)
    assert sum(dark.background) < sum(light.background)
    assert dark.accent == light.accent == (0x22, 0xAA, 0x66)


def test_a_minimal_palette_is_less_bold() -> None:
    assert (
        palette_for("x", "minimal", 1).boldness
        < palette_for("x", "", 1).boldness
        < palette_for("x", "bold", 1).boldness
    )


@given(prompt=ANY_TEXT, guidelines=ANY_TEXT, seed=SEEDS)
@settings(max_examples=150, deadline=None)
def test_ink_reads_on_ground_and_panel_whatever_the_brief(prompt: str, guidelines: str, seed: int) -> None:
    palette = palette_for(prompt, guidelines, seed)
    assert contrast(palette.ink, palette.background) >= READABLE
    assert contrast(palette.ink, palette.surface) >= READABLE


@given(code=st.binary(min_size=3, max_size=3), mood=st.sampled_from(["", "dark", "light", "minimal", "pastel"]))
@settings(max_examples=150, deadline=None)
def test_ink_reads_on_every_brand_colour(code: bytes, mood: str) -> None:
    palette = palette_for("x", f"{mood} #{code.hex()}", 1)
    assert contrast(palette.ink, palette.background) >= READABLE
    assert contrast(palette.ink, palette.surface) >= READABLE


# --- image -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(64, 64), (65, 301), (640, 360), (1024, 1024), (2048, 64)])
def test_a_png_opens_with_the_size_asked_for(size: tuple[int, int]) -> None:
    picture = opened(image.png(PROMPT, palette=PALETTE, seed=1, width=size[0], height=size[1]))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", size)


def test_the_largest_picture_is_drawn() -> None:
    assert image.draw("W" * 5000, palette=PALETTE, seed=1, width=2048, height=2048).size == (2048, 2048)


def test_a_picture_too_small_to_compose_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 pixels"):
        image.draw(PROMPT, palette=PALETTE, seed=1, width=15, height=300)


def test_a_picture_shows_the_colours_of_its_palette() -> None:
    picture = image.draw(PROMPT, palette=PALETTE, seed=1, width=320, height=320)
    shown = {colour for _, colour in picture.getcolors(maxcolors=320 * 320) or []}
    assert {PALETTE.surface, PALETTE.ink, PALETTE.accent, PALETTE.background} <= shown


def test_the_words_of_the_prompt_are_really_drawn() -> None:
    """Two prompts, one palette: within the card, where no shape shows, only the words differ."""
    faces = [
        card(prompt, palette=PALETTE, seed=1, width=480, height=480, right=False).face
        for prompt in ("Ten cats", "Ten dogs")
    ]
    assert faces[0].size == faces[1].size
    differing = ImageChops.difference(*faces).getbbox()
    assert differing is not None
    assert differing[0] > faces[0].width / 4  # "Ten" is the same in both


def test_the_card_is_drawn_into_the_picture() -> None:
    picture = image.draw(PROMPT, palette=PALETTE, seed=1, width=480, height=480)
    crops = []
    for right in (False, True):
        note = card(PROMPT, palette=PALETTE, seed=1, width=480, height=480, right=right)
        inner = (12, 12, note.face.width - 12, note.face.height - 12)
        place = tuple(edge + (note.x, note.y)[axis % 2] for axis, edge in enumerate(inner))
        crops.append(
            ImageChops.difference(
                picture.crop((place[0], place[1], place[2], place[3])), note.face.crop(inner)
            ).getbbox()
        )
    assert None in crops


@pytest.mark.parametrize("prompt", HOSTILE)
def test_a_hostile_prompt_still_makes_a_picture(prompt: str) -> None:
    palette = palette_for(prompt, prompt, 1)
    assert opened(image.png(prompt, palette=palette, seed=1, width=256, height=256)).size == (256, 256)


@given(prompt=ANY_TEXT, seed=SEEDS, width=st.integers(16, 130), height=st.integers(16, 130))
@settings(max_examples=80, deadline=None)
def test_no_prompt_and_no_size_breaks_the_drawing(prompt: str, seed: int, width: int, height: int) -> None:
    palette = palette_for(prompt, "", seed)
    assert image.draw(prompt, palette=palette, seed=seed, width=width, height=height).size == (width, height)


@given(text=ANY_TEXT, width=st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_wrapping_keeps_every_character_within_the_width(text: str, width: int) -> None:
    lines = list(wrap(text, width, len))
    assert all(0 < len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_short_words_are_larger_and_long_text_ends_elliptically() -> None:
    short, long, endless = (
        fit(text, width=300, height=200, largest=60, smallest=10) for text in ("Cat", "Cat " * 60, "Cat " * 1000)
    )
    assert short.size == 60 > long.size > endless.size == 10
    assert endless.lines[-1].endswith("…")
    assert endless.height <= 200
    assert max(font(10).getlength(line) for line in endless.lines) <= 300


def test_accents_the_font_lacks_become_plain_letters() -> None:
    assert fit("Café déjà-vu", width=300, height=50, largest=20, smallest=9).lines == ("Cafe deja-vu",)


# --- video -----------------------------------------------------------------------------------


def test_an_mp4_streams_and_decodes_as_requested() -> None:
    film = video.mp4(PROMPT, palette=PALETTE, seed=3, width=320, height=180, seconds=1.5)
    with av.open(io.BytesIO(film), "r") as container:
        track = container.streams.video[0]
        assert (track.codec_context.name, track.pix_fmt) == ("h264", "yuv420p")
        assert (track.width, track.height, str(track.average_rate)) == (320, 180, "24")
        assert track.duration is not None
        assert track.time_base is not None
        assert track.duration * track.time_base == 1.5
        assert len(list(container.decode(track))) == 36
    assert film.index(b"moov") < film.index(b"mdat")


def test_a_film_opens_on_the_still_and_then_moves() -> None:
    film = video.mp4(PROMPT, palette=PALETTE, seed=3, width=320, height=180, seconds=1)
    still = image.draw(PROMPT, palette=PALETTE, seed=3, width=320, height=180)
    with av.open(io.BytesIO(film), "r") as container:
        frames: list[Image.Image] = [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]

    def distance(one: Image.Image, other: Image.Image) -> float:
        return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)

    # Compression alone moves a picture this small by four levels or so, the first step by six.
    assert distance(frames[0], still) < 5
    assert distance(frames[-1], still) < 9
    assert distance(frames[6], still) > 9


def test_odd_sides_are_trimmed_and_no_film_is_empty() -> None:
    film = video.mp4("", palette=PALETTE, seed=3, width=65, height=67, seconds=0)
    with av.open(io.BytesIO(film), "r") as container:
        frames = list(container.decode(video=0))
    assert [(frame.width, frame.height) for frame in frames] == [(64, 66)]


# --- audio -----------------------------------------------------------------------------------


def samples_of(sound: bytes) -> "array.array[int]":
    with wave.open(io.BytesIO(sound)) as file:
        return array.array("h", file.readframes(file.getnframes()))


@pytest.mark.parametrize("seconds", [0.05, 1, 3.3])
def test_a_wav_lasts_as_long_as_asked(seconds: float) -> None:
    with wave.open(io.BytesIO(audio.wav(PROMPT, seed=1, seconds=seconds))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        assert file.getnframes() == round(seconds * 22_050)


@pytest.mark.parametrize("seed", range(5))
def test_a_tune_is_audible_unclipped_with_silent_ends(seed: int) -> None:
    samples = samples_of(audio.wav(PROMPT, seed=seed, seconds=2))
    assert 0.65 < max(map(abs, samples)) / 32_767 < 0.75
    assert samples[0] == samples[-1] == 0
    assert max(map(abs, samples[-40:])) < 300


def test_a_tune_of_no_length_is_one_silent_sample() -> None:
    assert list(samples_of(audio.wav("", seed=0, seconds=0))) == [0]


@given(prompt=ANY_TEXT, seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_no_prompt_breaks_the_tune(prompt: str, seed: int) -> None:
    assert audio.wav(prompt, seed=seed, seconds=0.1).startswith(b"RIFF")


# --- the same bytes, always ------------------------------------------------------------------

FINGERPRINTS = """
import hashlib
from atelier_sandbox import audio, image, video
from atelier_sandbox.palette import palette_for
prompt, palette = "a quiet harbour", palette_for("a quiet harbour", "", 5)
still = image.png(prompt, palette=palette, seed=5, width=200, height=120)
film = video.mp4(prompt, palette=palette, seed=5, width=200, height=120, seconds=0.5)
tune = audio.wav(prompt, seed=5, seconds=0.5)
print(palette, *(hashlib.sha256(media).hexdigest() for media in (still, film, tune)))
"""


def python(source: str, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", source], env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_every_process_makes_the_same_bytes() -> None:
    assert python(FINGERPRINTS, "1") == python(FINGERPRINTS, "2") != ""


def test_equal_seeds_make_equal_bytes_in_one_process() -> None:
    """And other seeds others."""

    def media(seed: int) -> tuple[bytes, bytes, bytes]:
        return (
            image.png(PROMPT, palette=PALETTE, seed=seed, width=128, height=128),
            video.mp4(PROMPT, palette=PALETTE, seed=seed, width=128, height=128, seconds=0.25),
            audio.wav(PROMPT, seed=seed, seconds=0.25),
        )

    assert media(1) == media(1)
    assert all(one != other for one, other in zip(media(1), media(2), strict=True))


def test_importing_the_package_loads_neither_pillow_nor_pyav() -> None:
    source = "import sys, atelier_sandbox, atelier.providers.sandbox; print({'PIL', 'av'} & set(sys.modules))"
    assert python(source, "0").strip() == "set()"
