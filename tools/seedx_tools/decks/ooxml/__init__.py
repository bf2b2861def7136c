"""What a .pptx says: packages, layouts, inherited styles."""
