"""Creator: the door of people with photos. Sign-in with Google, photos from folders, edits back."""
