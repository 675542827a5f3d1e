"""PyYAML's safe loader, the one in C where PyYAML was built with it: the template in a tenth of the time."""

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

__all__ = ["SafeLoader"]
