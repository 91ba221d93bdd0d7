"""Creator's screens: a file each. A route reads, calls one verb, renders."""
