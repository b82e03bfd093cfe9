//! The fast convolution against its plain twin.
