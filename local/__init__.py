"""The local run: the real template on an emulator of AWS, with a plain loopback address in front.

`template`, `routes` and `packages` turn `template.yaml` and the code into what CloudFormation takes. `server` is the
emulator's process, with `serving`, `edge`, `forking` and `invocations` in it; `emulator` owns it and gives it its
`environment`. `deployment` and `warming` fill it, and `stack` puts it all together, for `running` (`python -m local
run`) and the end-to-end tests.
"""
