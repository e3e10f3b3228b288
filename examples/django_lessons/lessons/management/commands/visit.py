"""Asks for pages without a server: ``python manage.py visit /lessons/ /departments/``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.test import Client


class Command(BaseCommand):
    """One process, one page after the other: what a profiler likes."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the pages and how often each is wanted."""
        parser.add_argument("pages", nargs="+")
        parser.add_argument("--times", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the status and size of each answer."""
        client = Client(headers={"host": "localhost"})
        for page in options["pages"]:
            for _ in range(options["times"]):
                answer = client.get(page)
                self.stdout.write(f"{answer.status_code} {page}: {len(answer.content):,} bytes")
