"""Taking a trained adapter home: merged, as GGUF, with a Modelfile and a card."""
