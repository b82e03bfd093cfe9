//! Planned 2-D FFT over stacks, centred and orthonormal.
