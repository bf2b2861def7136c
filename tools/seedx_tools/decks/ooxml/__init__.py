"""Read .pptx files: packages, layouts, inherited styles."""
