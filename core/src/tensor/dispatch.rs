//! Run a kernel with the widest vectors that the processor has, chosen at run time.
