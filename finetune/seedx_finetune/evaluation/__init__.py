"""Measuring a model on the picture book: GenEval-shaped drawing, seeing, pointing and editing, with their own judge."""

from seedx_finetune.evaluation.judge import Judge, Sight
from seedx_finetune.evaluation.run import evaluate
from seedx_finetune.evaluation.statistics import Figure
from seedx_finetune.evaluation.subject import Subject

__all__ = ["Figure", "Judge", "Sight", "Subject", "evaluate"]
