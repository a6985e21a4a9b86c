"""The admin of users, and its door."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm

from accounts.models import User


def sign_in_like_everyone(site: admin.AdminSite) -> None:
    """Send the admin's sign-in through the site's own, which limits failed tries."""
    site.login = secure_admin_login(site.login)  # type: ignore[method-assign]


class NewUserForm(AdminUserCreationForm):
    """A user made by hand."""

    class Meta:
        model = User
        fields = ("username", "email")

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).lower()


class UserAdmin(DjangoUserAdmin):
    """People: who they are and what they may."""

    add_form = NewUserForm
    form = UserChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_fields = ("username", "email")
    ordering = ("-date_joined",)
    readonly_fields = ("date_joined", "last_login")
    filter_horizontal = ("groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("username", "email", "password")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),
    )
