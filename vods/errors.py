"""What can go wrong with VODs.

VodError            a sentence for whoever asked
+-- UnknownVod      there is none, or it was deleted
+-- UnknownClip     there is none, or it was deleted
+-- NotReady        it can't be cut or changed so yet
+-- BadRange        a highlight or a clip has no such range
+-- BadText         a title, description or chapter is out of bounds
+-- MayNot          whoever asked may not
+-- TooMany         a bound is reached
"""

from __future__ import annotations


class VodError(Exception):
    """Whatever this app's services raise; its text is for the person who asked."""


class UnknownVod(VodError):
    def __init__(self) -> None:
        super().__init__("There is no such video.")


class UnknownClip(VodError):
    def __init__(self) -> None:
        super().__init__("There is no such clip.")


class NotReady(VodError):
    pass


class BadRange(VodError):
    pass


class BadText(VodError):
    pass


class MayNot(VodError):
    pass


class TooMany(VodError):
    pass
