"""The quantisations of a GGUF: what makes them, and about how large they come out."""

CONVERTED = {"f32": 32.0, "f16": 16.0, "bf16": 16.0, "q8_0": 8.5}
"""Bits per weight of those that llama.cpp's converter writes itself."""

QUANTISED = {"q6_k": 6.6, "q5_k_m": 5.7, "q5_k_s": 5.5, "q4_k_m": 4.9, "q4_k_s": 4.6, "q4_0": 4.6, "q3_k_m": 3.9, "q2_k": 3.0}
"""Bits per weight of those that llama-quantize makes from 16 bits; it has to be built, with cmake and a C++ compiler."""

EXACT = ("f32", "f16", "bf16")
"""Those that must say the same as the folder that they were made from."""


def bytes_of(quantisation: str, weights: float) -> float:
    """About how large the file will be: a twentieth more than its weights, since tables keep more bits in small models.

    Args:
        weights: how many numbers the model has.
    """
    return 1.05 * weights * {**CONVERTED, **QUANTISED}[quantisation] / 8
