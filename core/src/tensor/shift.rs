//! Translation of planes by fractions of a pixel, bilinear, zeros outside, and its adjoint.
//!
//! `T_d[f](p) = f(p - d)`, linear in each axis: with `d = ⌊d⌋ + f`, the weights `(1 - f)` and `f` of the two pixels
//! `p - ⌊d⌋` and `p - ⌊d⌋ - 1`. `T_-d` is the adjoint of `T_d` only for whole pixels; [`shift_adjoint_add`] is for all.
