//! Integer and bit kernels of the Leafgate runtime
