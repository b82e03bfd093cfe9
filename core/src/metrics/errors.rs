//! Mean and greatest errors, PSNR, Pearson, over the pixels of a mask.
