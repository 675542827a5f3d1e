"""For every test: Hypothesis tries the same examples each time, so that what passes here passes there."""

from hypothesis import settings

settings.register_profile("same-everywhere", deadline=None, derandomize=True)
settings.load_profile("same-everywhere")
