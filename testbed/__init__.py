"""What tests and benchmarks share: the whole project in one process, on an emulator, with time and queues held.

It imports the product and `local`; tests and bench import it, and it neither of them.
"""
