"""Draws what one lesson refers to: ``python manage.py picture lesson.svg``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

import heapscope
from lessons.models import Lesson


class Command(BaseCommand):
    """One lesson with its course and department, as a graph of objects."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file, SVG, PNG or DOT."""
        parser.add_argument("file")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the picture."""
        lesson = Lesson.objects.select_related("course__department").get(pk=7)
        heapscope.show_refs(lesson, max_depth=9, filename=options["file"])
        self.stdout.write(f"{lesson} is drawn in {options['file']}")
