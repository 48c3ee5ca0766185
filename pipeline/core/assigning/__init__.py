"""New stores, placed without refitting: the model that is published for it (`model`), and what it gives them (`assign`)."""
