"""A site opens with shelves to put broadcasts on; the admin changes them at will."""

from django.db import migrations
from django.utils.text import slugify

NAMES = [
    "Animals",
    "Art",
    "Chess and board games",
    "Cooking",
    "Dance and fitness",
    "Games",
    "Just talking",
    "Learning",
    "Making and crafts",
    "Music",
    "News and politics",
    "Outdoors",
    "Science",
    "Software",
    "Sports",
    "Theatre and film",
]


def add(apps, schema_editor):
    categories = apps.get_model("streaming", "Category")
    categories.objects.bulk_create([categories(name=name, slug=slugify(name)) for name in NAMES])


class Migration(migrations.Migration):
    dependencies = [("streaming", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
