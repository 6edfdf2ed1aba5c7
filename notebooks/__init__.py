"""The course: lessons, their exercises, and what both need to say what they claim."""
