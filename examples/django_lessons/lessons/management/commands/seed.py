"""Fills the database: 10 departments, 150 courses, 10,050 lessons. The same each time."""

from __future__ import annotations

import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from lessons.models import Course, Department, Lesson

DEPARTMENTS = (
    "Mathematics", "Physics", "Chemistry", "Biology", "History",
    "Geography", "Music", "Art", "Languages", "Sports",
)  # fmt: skip
COURSES_EACH = 15
LESSONS_EACH = 67
FIRST = datetime.datetime(2026, 9, 1, 8, tzinfo=datetime.timezone.utc)


class Command(BaseCommand):
    """``python manage.py seed``."""

    help = __doc__

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Write the rows, in place of those that are there."""
        Department.objects.all().delete()
        departments = Department.objects.bulk_create(
            Department(pk=number, name=name) for number, name in enumerate(DEPARTMENTS, 1)
        )
        courses = Course.objects.bulk_create(
            Course(pk=pk, department=department, title=f"{department.name} {pk}")
            for pk, department in enumerate(
                (each for each in departments for _ in range(COURSES_EACH)), 1
            )
        )
        lessons = Lesson.objects.bulk_create(
            Lesson(
                pk=pk,
                course=course,
                title=f"{course.title}, lesson {week}",
                room=f"{pk % 40 + 1:02}{'ABC'[pk % 3]}",
                starts_at=FIRST + datetime.timedelta(hours=pk % 8, days=7 * week),
            )
            for pk, (course, week) in enumerate(
                ((each, week) for each in courses for week in range(LESSONS_EACH)), 1
            )
        )
        self.stdout.write(
            f"{len(departments)} departments, {len(courses)} courses, {len(lessons):,} lessons"
        )
