//! The Leafgate flash image: record layouts and the checked view
