"""Where the views are."""

from django.urls import path
from lessons import views

urlpatterns = [
    path("lessons/", views.all_lessons),
    path("lessons/joined/", views.all_lessons_joined),
    path("lessons/<int:number>/", views.one_lesson),
    path("departments/", views.departments),
]
