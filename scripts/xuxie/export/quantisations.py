"""The quantisations of a GGUF: what makes them, and how large they come out at most."""

CONVERTED = {"f32": 32.0, "f16": 16.0, "bf16": 16.0, "q8_0": 8.5}
"""Bits per weight of those that llama.cpp's converter writes itself."""

QUANTISED = ("q6_k", "q5_k_m", "q5_k_s", "q4_k_m", "q4_k_s", "q4_0", "q3_k_m", "q2_k")
"""Those that llama-quantize makes from 16 bits; it has to be built, with cmake and a C++ compiler."""

EXACT = ("f32", "f16", "bf16")
"""Those that must agree with the folder that they were made from."""


def bytes_of(quantisation: str, weights: float) -> float:
    """How large the file can become; the smaller quantisations stay well below, but those of a small model keep much in eight bits.

    Args:
        weights: how many numbers the model has.
    """
    return 1.05 * weights * CONVERTED.get(quantisation, CONVERTED["q8_0"]) / 8
