"""What can go wrong with a local run, each with a message for the person at the terminal."""


class LocalError(Exception):
    """The local run cannot go on; the message says why and, where it can, what to do."""


class PortTaken(LocalError):
    """Something else listens where the API should answer."""


class BadTemplate(LocalError):
    """The template or its parameters cannot be deployed."""


class EmulatorStopped(LocalError):
    """The emulator ended unexpectedly."""


class DeployFailed(LocalError):
    """CloudFormation gave up, or built something else than the template says."""
