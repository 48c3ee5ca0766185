"""How good the clusters are, measured where the answer is known; see __main__."""
