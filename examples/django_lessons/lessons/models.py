"""A school: departments give courses, courses have lessons."""

from __future__ import annotations

from django.db import models


class Department(models.Model):
    """Ten of them."""

    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Course(models.Model):
    """Fifteen in each department."""

    department = models.ForeignKey(Department, on_delete=models.CASCADE)
    title = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.title


class Lesson(models.Model):
    """Sixty-seven in each course: 10,050."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE)
    title = models.CharField(max_length=100)
    room = models.CharField(max_length=20)
    starts_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.title
