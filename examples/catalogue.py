"""A catalogue of lessons, two caches of them, and one that nobody empties."""

import sys


class Lesson:
    def __init__(self, number):
        self.number = number
        self.title = f"Lesson {number}: how to fill a heap"
        self.course = None


class Course:
    def __init__(self, name, lessons):
        self.name = name
        self.lessons = lessons
        for lesson in lessons:
            lesson.course = self


COURSES = {}
SEEN = []


def load(courses, lessons):
    for number in range(courses):
        made = [Lesson(number * lessons + index) for index in range(lessons)]
        COURSES[number] = Course(f"course {number}", made)


def visit(rounds):
    for number in range(rounds):
        SEEN.append(Lesson(-number))


if __name__ == "__main__":
    load(50, 200)
    visit(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    print(f"{len(COURSES)} courses, {len(SEEN)} seen")
