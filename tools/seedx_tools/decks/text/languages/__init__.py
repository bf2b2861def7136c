"""The languages of texts: their scripts, typefaces and direction."""
