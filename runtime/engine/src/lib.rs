//! Inference of networks that skip work, on microcontrollers: no heap, no float, a fixed arena
