"""Presenter agent."""
