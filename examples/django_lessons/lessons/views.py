"""Views that answer in JSON: the same lessons, asked for in two ways, and one that leaks."""

from __future__ import annotations

from django.db.models import Count
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404

from lessons import recent
from lessons.models import Department, Lesson


def all_lessons(request: HttpRequest) -> JsonResponse:
    """Every lesson. Each asks the database for its course, and that for its department."""
    lessons = list(Lesson.objects.order_by("pk"))
    rows = [as_row(lesson) for lesson in lessons]
    return JsonResponse({"lessons": rows})


def all_lessons_joined(request: HttpRequest) -> JsonResponse:
    """The same in one query, that brings a course and a department for each lesson."""
    lessons = list(Lesson.objects.select_related("course__department").order_by("pk"))
    rows = [as_row(lesson) for lesson in lessons]
    return JsonResponse({"lessons": rows})


def one_lesson(request: HttpRequest, number: int) -> JsonResponse:
    """One lesson, and what was looked at before."""
    lesson = get_object_or_404(Lesson.objects.select_related("course__department"), pk=number)
    before = recent.titles()
    recent.remember(lesson)
    return JsonResponse({**as_row(lesson), "seen before": before})


def departments(request: HttpRequest) -> JsonResponse:
    """How many lessons each department gives: the database counts."""
    counted = Department.objects.annotate(lessons=Count("course__lesson")).order_by("pk")
    return JsonResponse({department.name: department.lessons for department in counted})


def as_row(lesson: Lesson) -> dict[str, object]:
    """Return what is told of a lesson."""
    return {
        "number": lesson.pk,
        "title": lesson.title,
        "room": lesson.room,
        "starts_at": lesson.starts_at.isoformat(),
        "course": lesson.course.title,
        "department": lesson.course.department.name,
    }
