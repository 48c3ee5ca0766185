def is_sample(path): return False
