"""Rooms over IRC as Twitch speaks it, so that its bots and clients work here."""
