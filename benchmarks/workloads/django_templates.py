"""A Django template renders a table of 90 rows and 90 columns: deep stacks, short-lived strings."""

from __future__ import annotations

import measure

ROUNDS = 18
SIDE = 90
SOURCE = (
    "<table>{% for row in table %}<tr>"
    "{% for cell in row %}<td>{{ cell|escape }}</td>{% endfor %}"
    "</tr>{% endfor %}</table>"
)


def render(side: int) -> str:
    from django.template import Context, Template

    return str(Template(SOURCE).render(Context({"table": [range(side) for _ in range(side)]})))


def setup() -> None:
    import django
    from django.conf import settings

    backend = "django.template.backends.django.DjangoTemplates"
    settings.configure(TEMPLATES=[{"BACKEND": backend}])
    django.setup()
    render(1)


def work(rounds: int) -> None:
    for _ in range(rounds):
        assert render(SIDE).count("<td>") == SIDE * SIDE


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)
