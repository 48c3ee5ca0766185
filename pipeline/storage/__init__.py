"""Files that survive: written beside, synced and renamed; read back; locked. Every rename and lock is here."""
