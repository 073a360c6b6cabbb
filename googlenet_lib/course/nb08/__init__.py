"""Lesson 08: precision, memory, fusing, loading, several processes, and what a training costs."""
