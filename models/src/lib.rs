//! Trainable architectures, losses and recipes of Leafgate
