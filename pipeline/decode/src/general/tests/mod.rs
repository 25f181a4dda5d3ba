//! Files as text rows, without types.
