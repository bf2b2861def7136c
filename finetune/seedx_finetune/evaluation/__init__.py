"""Evaluation of a model on the picture book: generation, description, detection and editing, scored by a judge."""

from seedx_finetune.evaluation.judge import Judge, Observation
from seedx_finetune.evaluation.run import evaluate
from seedx_finetune.evaluation.statistics import Metric
from seedx_finetune.evaluation.subject import Subject

__all__ = ["Judge", "Metric", "Observation", "Subject", "evaluate"]
