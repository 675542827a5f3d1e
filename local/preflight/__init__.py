"""AWS's own rules, checked against template.yaml without an account: what no emulator enforces.

`stacks` resolves the template as CloudFormation does, for given parameters. `requests` says which API calls create each
resource, `bounds` holds those against botocore's service models, and `rules` has what the models do not say. `versions`
answers whether a changed parameter reaches a function. `report` prints what a deployment would create and cost.
"""
