"""Who generates: one module per provider, each behind the protocol of `atelier.domain.provider`."""
