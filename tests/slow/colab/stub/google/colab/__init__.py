"""Stands in for the package that every Colab kernel has imported when a notebook begins."""
