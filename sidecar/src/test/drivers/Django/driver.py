"""What an agent does with Django. Connects as PGHOST, PGPORT, ... say; one line per promise."""

import io
import os

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection, models, transaction
from django.db.utils import DatabaseError

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "application"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"],
            "USER": os.environ["PGUSER"],
            "PASSWORD": os.environ["PGPASSWORD"],
            "HOST": os.environ["PGHOST"],
            "PORT": os.environ["PGPORT"],
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    MIGRATION_MODULES={"application": None},
    USE_TZ=True,
    TIME_ZONE="Europe/Rome",
)


django.setup()


class Person(models.Model):
    id = models.IntegerField(primary_key=True)
    name = models.TextField()
    ssn = models.TextField()

    class Meta:
        app_label = "application"
        db_table = "people"
        managed = False


class Note(models.Model):
    id = models.IntegerField(primary_key=True)
    text = models.TextField(null=True)
    at = models.DateTimeField(null=True)
    extra = models.JSONField(null=True)
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)

    class Meta:
        app_label = "application"
        db_table = "notes"
        managed = False


PROMISES = []


def promise(name):
    def add(function):
        PROMISES.append((name, function))
        return function

    return add


def same(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def output(*command, **options):
    out = io.StringIO()
    call_command(*command, stdout=out, **options)
    return out.getvalue()


@promise("parameters")
def parameters():
    same(Person.objects.get(id=7).name, "name 7")
    same(Person.objects.filter(name__contains="name 12", id__lt=200).count(), 11)


@promise("objects")
def objects():
    Note.objects.all().delete()
    Note.objects.bulk_create([Note(id=i, text=f"note {i}", extra={"i": i}) for i in range(100)])
    same(Note.objects.filter(extra__i__gte=90).update(text="late"), 10)
    note, created = Note.objects.get_or_create(id=500, defaults={"text": "made"})
    same((note.text, created), ("made", True))
    same(Note.objects.aggregate(models.Count("id"))["id__count"], 101)
    note.delete()
    same(Note.objects.order_by("-id").first().text, "late")


@promise("many rows")
def many_rows():
    same(sum(1 for _ in Person.objects.iterator(chunk_size=1000)), 20000)


@promise("masked text")
def masked():
    same(Person.objects.get(id=1).ssn, "[redacted]")


@promise("transactions")
def transactions():
    Note.objects.all().delete()
    try:
        with transaction.atomic():
            Note.objects.create(id=1, text="outer")
            try:
                with transaction.atomic():
                    Note.objects.create(id=2, text="inner")
                    raise ValueError
            except ValueError:
                pass
            same(list(Note.objects.values_list("id", flat=True)), [1])
            raise KeyError
    except KeyError:
        pass
    same(Note.objects.count(), 0)


@promise("refusal")
def refusal():
    try:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM kept")
        raise AssertionError("was not refused")
    except DatabaseError as error:
        same(error.__cause__.sqlstate, "42501")
    same(Person.objects.get(id=7).name, "name 7")


@promise("check of the database")
def check():
    same(output("check", databases=["default"]), "System check identified no issues (0 silenced).\n")


@promise("migration plan")
def migration_plan():
    plan = output("migrate", plan=True)
    if "contenttypes.0001_initial" not in plan:
        raise AssertionError(plan)


@promise("inspection of the schema")
def inspection():
    models_of = output("inspectdb", "people", "notes")
    for expected in ("class People(models.Model):", "class Notes(models.Model):", "ssn = models"):
        if expected not in models_of:
            raise AssertionError(models_of)


for name, function in PROMISES:
    try:
        function()
        print(f"ok {name}", flush=True)
    except Exception as error:
        print(f"FAILED {name}: {type(error).__name__}: {error}".replace("\n", " | "), flush=True)
