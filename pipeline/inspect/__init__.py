"""How the targets stand and why: reads the DAG, builds nothing."""
