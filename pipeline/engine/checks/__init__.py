"""What `engine.check` looks at: the sales, the need states, the outside data, and what they have in common."""
