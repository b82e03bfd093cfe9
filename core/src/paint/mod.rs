//! Arrays to pixels: what the window shows and what is exported come from the same code.
