"""How a network learns: recipes, the loop, checkpoints, records."""
