"""Who is who: users, API tokens, sign-up and sign-in."""
