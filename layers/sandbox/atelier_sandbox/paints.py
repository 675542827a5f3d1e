"""The sandbox's paint box: what a brief's colour words mean, and the sums done on colours."""

import colorsys

RGB = tuple[int, int, int]

WHITE: RGB = (255, 255, 255)
BLACK: RGB = (0, 0, 0)

# Chosen to sit well beside each other; they are not the CSS colours of the same names.
PAINTS: dict[str, RGB] = {
    "red": (214, 40, 57),
    "crimson": (176, 24, 60),
    "maroon": (110, 24, 42),
    "burgundy": (108, 22, 52),
    "scarlet": (226, 54, 42),
    "coral": (255, 119, 98),
    "salmon": (250, 145, 120),
    "peach": (255, 190, 152),
    "orange": (245, 130, 32),
    "tangerine": (247, 140, 55),
    "terracotta": (196, 92, 62),
    "rust": (168, 74, 38),
    "brown": (112, 72, 48),
    "tan": (206, 170, 128),
    "beige": (232, 217, 192),
    "sand": (226, 202, 160),
    "cream": (250, 240, 215),
    "ivory": (250, 246, 232),
    "gold": (232, 178, 40),
    "golden": (232, 178, 40),
    "amber": (250, 180, 30),
    "mustard": (214, 162, 40),
    "yellow": (250, 210, 50),
    "lime": (164, 208, 56),
    "olive": (118, 122, 52),
    "green": (38, 140, 84),
    "emerald": (14, 142, 102),
    "forest": (28, 84, 58),
    "sage": (160, 182, 152),
    "mint": (164, 226, 200),
    "teal": (14, 124, 130),
    "turquoise": (50, 190, 190),
    "aqua": (80, 206, 214),
    "cyan": (34, 190, 220),
    "sky": (150, 208, 245),
    "azure": (38, 132, 236),
    "blue": (34, 92, 222),
    "cobalt": (26, 74, 180),
    "navy": (20, 36, 92),
    "indigo": (62, 54, 164),
    "violet": (122, 76, 212),
    "purple": (106, 52, 160),
    "lavender": (200, 186, 240),
    "lilac": (208, 178, 226),
    "plum": (116, 44, 104),
    "magenta": (206, 34, 130),
    "fuchsia": (222, 40, 146),
    "pink": (246, 140, 178),
    "rose": (232, 92, 126),
    "blush": (250, 212, 208),
    "white": (255, 255, 255),
    "silver": (196, 202, 210),
    "gray": (128, 134, 144),
    "grey": (128, 134, 144),
    "charcoal": (48, 54, 62),
    "black": (16, 17, 20),
}

# What goes with a colour is taken from the other side of the wheel; each list spans pale to
# deep, so that some of it shows on any ground.
WARM = ("coral", "gold", "peach", "tangerine", "blush", "cream", "scarlet", "burgundy")
COOL = ("teal", "sky", "navy", "mint", "azure", "ivory", "forest", "indigo")


def luminance(colour: RGB) -> float:
    """Return the WCAG relative luminance of `colour`, from 0 (black) to 1 (white)."""
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    """Undo the sRGB transfer curve."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004


def contrast(one: RGB, other: RGB) -> float:
    """Return the WCAG contrast ratio of two colours, from 1 (the same) to 21 (black on white)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mix(colour: RGB, other: RGB, share: float) -> RGB:
    """Return `colour` with `share` (0 to 1) of it replaced by `other`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def is_cool(colour: RGB) -> bool:
    """Say whether `colour` lies between green and purple; greys count as cool."""
    hue, _, saturation = colorsys.rgb_to_hls(*(c / 255 for c in colour))
    return not saturation or 0.25 < hue < 0.8  # noqa: PLR2004  turns of the colour wheel
