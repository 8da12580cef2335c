//! Exit codes, fault handlers, log transport and model partition for Leafgate boards
