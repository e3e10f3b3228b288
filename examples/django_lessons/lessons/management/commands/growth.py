"""What 10,050 lessons are in memory, by type: ``manage.py growth``, ``growth --joined``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import reset_queries

import heapscope
from lessons.models import Lesson


class Command(BaseCommand):
    """The rows of one view, kept, and the table of what there is more of."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the kind of query, and how many types are shown."""
        parser.add_argument("--joined", action="store_true", help="with select_related")
        parser.add_argument("--types", type=int, default=15)

    def handle(self, *args: Any, **options: Any) -> None:
        """Read the lessons, and every department through its course."""
        Lesson.objects.select_related("course__department").first()  # what Django makes once
        tracker = heapscope.HeapTracker()
        lessons = Lesson.objects.order_by("pk")
        if options["joined"]:
            lessons = lessons.select_related("course__department")
        kept = list(lessons)
        names = {lesson.course.department.name for lesson in kept}
        reset_queries()  # DEBUG keeps them
        tracker.print_diff(limit=options["types"], file=self.stdout)
        self.stdout.write(f"{len(kept):,} lessons of {len(names)} departments")
