//! Old images run forever
