"""What stands behind ``make``: environments, builds, tests, checks. Standard library only."""
