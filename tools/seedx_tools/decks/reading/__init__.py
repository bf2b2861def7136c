"""Tell what the shapes of a slide of any origin are for."""
