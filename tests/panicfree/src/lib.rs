//! Links the engine only if no panic is reachable
