"""Files that survive a crash: written, synced, renamed, read back and locked. Every rename and lock is here."""
