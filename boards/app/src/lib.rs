//! The Leafgate device application: self-test, serve samples, classify, report
