"""What the measurements create: a client and a campaign of a little over 1 KB each, and what is generated for them."""

from typing import Any, Final

WORDS: Final = "Natural light, warm colors and honest faces; never a logo larger than the product. "
CLIENT: Final = {"name": "Acme Corporation", "description": WORDS, "brand_guidelines": WORDS * 8}
CAMPAIGN: Final = {"name": "Summer launch", "goal": WORDS, "brief": WORDS * 4}
IMAGE: Final = {"prompt": WORDS * 2, "size": "512x512"}


def image(**parents: str) -> dict[str, Any]:
    """The request body of an image for a client or a campaign (`client_id`, `campaign_id`), or for nobody."""
    return {**IMAGE, **parents}
