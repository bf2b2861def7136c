"""Visuals as native, grouped, themed shapes: a canvas, and one file for each family of drawings."""
