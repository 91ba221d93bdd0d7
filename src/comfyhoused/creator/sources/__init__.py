"""Sources: watched folders, on Drive or on a disk, behind one interface."""
