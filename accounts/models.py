"""The user and what a user holds to prove who they are."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts import names


class UserManager(BaseUserManager["User"]):
    """Makes users. Django's commands and allauth call it by these names."""

    def create_user(
        self, username: str, email: str | None = None, password: str | None = None, **fields: object
    ) -> User:
        """Save a user; without a password they can't sign in with one."""
        user = self.model(username=username.lower(), email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **fields: object
    ) -> User:
        """Save a user who may do everything in the admin."""
        return self.create_user(username, email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """Find a user by login, whatever its case."""
        return self.get(username=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. `username` is their login and the address of their channel."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(
        "login",
        max_length=names.MAX_LENGTH,
        unique=True,
        validators=[names.validate_shape, names.validate_not_reserved],
        error_messages={"unique": "This name is taken."},
        help_text=f"{names.MIN_LENGTH} to {names.MAX_LENGTH} characters: a to z, 0 to 9 and _.",
    )
    email = models.EmailField("e-mail address", blank=True)
    is_active = models.BooleanField(
        "active", default=True, help_text="Unset this instead of deleting a person: they can't sign in or go live."
    )
    is_staff = models.BooleanField("staff", default=False, help_text="May enter the admin.")
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("username"), name="user_login_unique", violation_error_message="This name is taken."
            ),
            models.CheckConstraint(condition=models.Q(username__regex=rf"^{names.PATTERN}$"), name="user_login_shape"),
        ]

    def clean(self) -> None:
        """Bring the e-mail's domain to lower case."""
        self.email = type(self).objects.normalize_email(self.email)

    def get_full_name(self) -> str:
        """The login: Headrace asks for no other name."""
        return self.username

    def get_short_name(self) -> str:
        """The login."""
        return self.username


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Reads of API tokens."""

    def usable(self) -> ApiTokenQuerySet:
        """Tokens that open the API: not revoked, and of an active user."""
        return self.filter(revoked_at=None, user__is_active=True)


class ApiToken(models.Model):
    """A secret that lets a program act as its user. Only its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=50, help_text="What it is for.")
    prefix = models.CharField(max_length=12, editable=False)
    hash = models.CharField("SHA-256", max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(hash__regex="^[0-9a-f]{64}$"), name="apitoken_hash_shape")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
