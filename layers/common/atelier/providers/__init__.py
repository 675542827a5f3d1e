"""Providers: one module each, implementing the protocol of `atelier.domain.provider`."""
