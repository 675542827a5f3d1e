"""What is done to a stack that runs: on AWS with the credentials of the environment, or in the local run."""
