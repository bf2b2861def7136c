"""Outlines and slides as a chat model meant them."""
