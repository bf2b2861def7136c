"""Measuring a model on the picture book: GenEval-shaped drawing, seeing, pointing and editing, with their own judge."""

from .judge import Judge, Sight
from .run import evaluate
from .statistics import Figure
from .subject import Subject

__all__ = ["Figure", "Judge", "Sight", "Subject", "evaluate"]
