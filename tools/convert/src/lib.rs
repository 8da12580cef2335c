//! Converts trained networks to Leafgate flash images
