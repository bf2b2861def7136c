"""Language models behind one protocol: transformers and vLLM."""
