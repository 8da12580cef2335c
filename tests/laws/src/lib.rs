//! Properties that hold for every image and input
