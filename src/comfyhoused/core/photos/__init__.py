"""Photos: what one is, upright sRGB pixels of it, and a result that is like its original."""
