"""The local run: the real template on an emulator of AWS, with a plain loopback address in front.

`template`, `routes` and `packages` turn `template.yaml` and the code into what CloudFormation takes; `server` is the
emulator's process, with `edge` and `invocations` in it; `emulator` owns that process; `deployment` and `warming` fill
it; `stack` puts them together for `python -m local run` and for the end-to-end tests.
"""
