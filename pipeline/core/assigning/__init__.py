"""Place new stores without refitting: the published model (`model`), and the placement by it (`assign`)."""
