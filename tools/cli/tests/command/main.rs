//! The command as people and scripts meet it: its texts, exit codes and files.

mod compress;
mod errors;
mod files;
mod forms;
mod leafgate;
mod models;
mod signatures;
mod verbs;
