"""All mutants, and the tests that may notice them."""

from typing import Final

from tests.mutants import (
    PROJECT,
    activity,
    assets,
    batches,
    budgets,
    cleanups,
    deletes,
    exports,
    fairness,
    galleries,
    generation,
    imports,
    inputs,
    listing,
    models,
    organising,
    reports,
    requests,
    sharing,
    sweeps,
)

MUTANTS: Final = (
    *deletes.MUTANTS,
    *budgets.MUTANTS,
    *cleanups.MUTANTS,
    *listing.MUTANTS,
    *organising.MUTANTS,
    *batches.MUTANTS,
    *imports.MUTANTS,
    *assets.MUTANTS,
    *requests.MUTANTS,
    *sharing.MUTANTS,
    *generation.MUTANTS,
    *models.MUTANTS,
    *fairness.MUTANTS,
    *reports.MUTANTS,
    *sweeps.MUTANTS,
    *activity.MUTANTS,
    *galleries.MUTANTS,
    *exports.MUTANTS,
    *inputs.MUTANTS,
)


def _matching(*patterns: str) -> list[str]:
    return [str(path.relative_to(PROJECT)) for pattern in patterns for path in sorted(PROJECT.glob(pattern))]


# The quick ones first. Every one of them works in its own process: a mutant would not reach another.
SUITE: Final = tuple(
    _matching(
        "tests/unit/test_import_files.py",
        "tests/unit/test_inputs.py",
        "tests/unit/test_params.py",
        "tests/unit/test_derived_models.py",
        "tests/unit/test_pipeline*.py",
        "tests/unit/test_table_writes.py",
        "tests/unit/test_cloudfront.py",
        "tests/unit/test_measuring.py",
        "tests/unit/test_usage_csv.py",
        "tests/unit/test_webhook_delivery.py",
        "tests/unit/test_zip_archive.py",
        "tests/property/test_file_names.py",
        "tests/property/test_pipeline.py",
        "tests/property/test_s3_urls.py",
        "tests/property/test_usage_report.py",
        "tests/providers/test_inputs.py",
        "tests/providers/test_models.py",
        *(
            f"tests/integration/test_{name}.py"
            for name in (
                "access",
                "clients",
                "campaigns",
                "tasks",
                "task_items",
                "task_changes",
                "matrix",
                "webhook_delivery",
                "batches",
                "imports",
                "assets",
                "inputs",
                "import_crashes",
                "account_limits",
                "fair_queues",
                "receivers",
                "pending_lists",
                "task_lists*",
                "lists",
                "long_texts",
                "media",
                "model_lines",
                "cursors",
                "idempotency",
                "conditional_requests",
                "problems",
                "budget*",
                "usage_reports",
                "cascade_*",
                "sweep",
                "lost_messages",
                "integrity_oracle",
                "third_level_oracle",
                "sharing",
                "activity",
                "exports",
                "shared_lists",
                "sharing_routes",
            )
        ),
    )
)
