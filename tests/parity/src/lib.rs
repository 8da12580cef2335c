//! Host, reference and every machine give the same integers
