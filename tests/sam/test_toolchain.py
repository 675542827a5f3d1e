"""What SAM itself says about the template."""

import subprocess

from local import tools


def test_the_template_is_valid_and_lint_finds_nothing(sam: str) -> None:
    command = [sam, "validate", "--lint"]
    seen = tools.environment()
    ran = subprocess.run(command, cwd=tools.PROJECT, env=seen, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "is a valid SAM Template" in ran.stdout
