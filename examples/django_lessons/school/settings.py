"""A small project: one application, JSON views, and heapscope's middleware."""

import os
from pathlib import Path

from school.database import database

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("SECRET_KEY", "for a project that is shown, not served")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

DATABASES = {"default": database(os.environ.get("DATABASE_URL"), BASE_DIR / "lessons.sqlite3")}

INSTALLED_APPS = ["lessons"]
MIDDLEWARE = [
    "heapscope.django.HeapscopeMiddleware",  # first: it measures what follows
    "django.middleware.common.CommonMiddleware",
]
HEAPSCOPE = {
    "ENABLED": True,  # off is the default
    "TOKEN": os.environ.get("HEAPSCOPE_TOKEN"),  # only needed where DEBUG is off
}

ROOT_URLCONF = "school.urls"
WSGI_APPLICATION = "school.wsgi.application"
ASGI_APPLICATION = "school.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
