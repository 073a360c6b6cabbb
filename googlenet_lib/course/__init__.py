"""How it is taught: what the lessons share in `kit`, and a folder for each lesson."""
