"""The sandbox's sounds: a short tune for vibraphone, as 16-bit mono WAV."""

import io
import math
import random
import wave
from array import array
from collections.abc import Iterator
from operator import add
from typing import NamedTuple

from .seeded import rng_for

RATE = 22_050  # samples per second
_LOUDEST = 0.7  # of full scale: leaves room, so that nothing downstream clips
_FULL_SCALE = 32_767
_FADE = 0.8  # seconds; the tune never stops dead

# All steps are semitones above the root. Any two of the pentatonic sound well together, and
# the chords come in orders that lead home by themselves.
_PENTATONIC = (0, 2, 4, 7, 9)
_ONE, _FOUR, _FIVE, _SIX = (0, 4, 7), (5, 9, 12), (7, 11, 14), (-3, 0, 4)
_PROGRESSIONS = ((_ONE, _SIX, _FOUR, _FIVE), (_ONE, _FOUR, _SIX, _FIVE), (_ONE, _FIVE, _SIX, _FOUR))
_OCTAVE = 12
_BAR = 4  # beats, and so the time one chord lasts
_MOTIF = 7  # eighth notes: out of step with the bar, so it meets each chord elsewhere
_RESTS = 0.3  # of the motif


class _Tone(NamedTuple):
    """One bar of the instrument, struck: its pitch in hertz, how long it rings, how loud (0 to 1)."""

    frequency: float
    seconds: float
    loudness: float


def wav(prompt: str, *, seed: int, seconds: float) -> bytes:
    """Return a WAV file lasting `seconds`, to the nearest sample: the tune of `prompt` and `seed`.

    It starts and ends in silence and peaks at 70 % of full scale. The same arguments give the
    same bytes.
    """
    track = [0.0] * max(1, round(seconds * RATE))
    sounds: dict[_Tone, list[float]] = {}
    for start, tone in _score(rng_for("audio", prompt, seed), seconds):
        if tone not in sounds:
            sounds[tone] = _struck(tone)
        _lay(sounds[tone], track, round(start * RATE))
    _fade_out(track)
    return _file(_levelled(track))


def _score(rng: random.Random, seconds: float) -> Iterator[tuple[float, _Tone]]:
    """Yield what to strike and when: a chord each bar and, over it, a motif in eighth notes."""
    root = _pitch(196.0, rng.uniform(-4, 5))
    eighth = 30 / rng.uniform(84, 108)
    chords = rng.choice(_PROGRESSIONS)
    motif = [_step(rng) for _ in range(_MOTIF)]
    for number in range(math.ceil(seconds / eighth)):
        bar, place = divmod(number, 2 * _BAR)
        chord = chords[bar % len(chords)] if place == 0 else ()
        # The tune opens on its root, so that the ear knows where home is.
        step = _OCTAVE if number == 0 else motif[number % _MOTIF]
        for low in chord:
            yield number * eighth, _Tone(_pitch(root, low), 7 * eighth, 0.2)
        if step is not None:
            yield number * eighth, _Tone(_pitch(root, step), 4 * eighth, 0.34)


def _step(rng: random.Random) -> int | None:
    """Return a step of the melody, an octave above the chords or two; None is a rest."""
    step = rng.choice(_PENTATONIC) + rng.choice((_OCTAVE, _OCTAVE, 2 * _OCTAVE))
    return None if rng.random() < _RESTS else step


def _pitch(root: float, step: float) -> float:
    return root * math.exp2(step / _OCTAVE)


def _struck(tone: _Tone) -> list[float]:
    """Return the samples of `tone`: the note and, dying sooner, the overtone two octaves up.

    Those two are what a vibraphone is tuned to.
    """
    sound = _ringing(tone)
    _lay(_ringing(_Tone(tone.frequency * 4, tone.seconds / 5, tone.loudness * 0.22)), sound, 0)
    return sound


def _ringing(tone: _Tone) -> list[float]:
    """Return a sine that starts at zero and dies away to a four-hundredth.

    A damped resonator gives each sample from the two before it, much faster than a call of
    `math.sin` for each.
    """
    count = max(1, round(tone.seconds * RATE))
    turn, damping = 2 * math.pi * tone.frequency / RATE, math.exp(-6 / count)
    again, before_that = 2 * damping * math.cos(turn), damping * damping
    samples = []
    last, current = -tone.loudness * math.sin(turn) / damping, 0.0
    for _ in range(count):
        samples.append(current)
        last, current = current, again * current - before_that * last
    return samples


def _lay(sound: list[float], track: list[float], start: int) -> None:
    """Add `sound` to `track` from the sample `start`; what would run past the end is lost."""
    end = min(len(track), start + len(sound))
    track[start:end] = map(add, track[start:end], sound)


def _fade_out(track: list[float]) -> None:
    """Bring the end of `track` evenly down to silence, over a quarter of it at most."""
    count = max(1, min(round(_FADE * RATE), len(track) // 4))
    track[-count:] = [sample * (count - 1 - left) / count for left, sample in enumerate(track[-count:])]


def _levelled(track: list[float]) -> "array[int]":
    """Return `track` as 16-bit samples whose loudest is at `_LOUDEST`."""
    peak = max(map(abs, track)) or 1.0
    gain = _LOUDEST * _FULL_SCALE / peak
    return array("h", [int(sample * gain) for sample in track])


def _file(samples: "array[int]") -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, samples.itemsize, RATE, len(samples), "NONE", "not compressed"))
        sound.writeframes(samples.tobytes())
    return file.getvalue()
