"""Google: sign-in and Drive."""
