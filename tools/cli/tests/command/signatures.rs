//! Keys, signatures, and the line to a device.

use crate::leafgate::Folder;
use crate::models::{Model, samples};

/// A folder with an image and a pair of keys.
fn folder() -> Folder {
    let folder = Folder::with("m.safetensors", Model::fff().bytes());
    folder.write("s.csv", samples(60));
    folder.run("convert m.safetensors -o m.leaf --calib s.csv").ok();
    folder.run("keygen release").ok();
    folder
}

#[test]
fn what_is_signed_is_verified_and_still_an_image() {
    let folder = folder();
    let report = folder.run("sign m.leaf --key release.key --model-version 7 -o s.leaf --format json").json();
    assert_eq!(report["model_version"], 7);
    assert_eq!(folder.read("s.leaf").len(), folder.read("m.leaf").len() + 80);
    let report = folder.run("verify s.leaf --key release.pub --at-least 7 --format json").json();
    assert_eq!(report["model_version"], 7);
    folder.run("check s.leaf --random 10").ok();
    // Signing again replaces the signature, in the same file too.
    folder.run("sign s.leaf --key release.key --model-version 8 -o s.leaf").ok();
    assert_eq!(folder.run("verify s.leaf --key release.pub --format json").json()["model_version"], 8);
    // The same input gives the same bytes.
    let signed = folder.read("s.leaf");
    folder.run("sign m.leaf --key release.key --model-version 8 -o t.leaf").ok();
    assert_eq!(folder.read("t.leaf"), signed);
}

#[test]
fn what_is_not_signed_so_is_refused() {
    let folder = folder();
    folder.run("keygen other").ok();
    folder.run("sign m.leaf --key release.key --model-version 7 -o s.leaf").ok();
    folder.run("verify m.leaf --key release.pub").refused(5, "E0312");
    folder.run("verify s.leaf --key other.pub").refused(5, "E0313");
    folder.run("verify s.leaf --key release.pub --at-least 8").refused(5, "E0314");
    folder.run("verify s.leaf --key release.key").refused(3, "E0311");
    folder.run("verify s.leaf --key nothing.pub").refused(3, "E0101");
    folder.run("sign m.leaf --key release.pub --model-version 1 -o x.leaf").refused(3, "E0311");
    folder.run("sign m.leaf --key release.key --model-version 1 -o release.key").refused(2, "E0403");
    let mut damaged = folder.read("s.leaf");
    *damaged.last_mut().unwrap() ^= 1;
    folder.write("d.leaf", &damaged);
    folder.run("verify d.leaf --key release.pub").refused(5, "E0313");
    damaged.push(0);
    folder.write("d.leaf", &damaged);
    folder.run("verify d.leaf --key release.pub").refused(5, "E0313");
}

#[test]
fn keys_are_never_replaced_and_the_private_one_is_the_owners() {
    let folder = folder();
    let key = folder.read("release.key");
    folder.run("keygen release").refused(3, "E0310");
    std::fs::remove_file(folder.path("release.key")).unwrap();
    // Half a pair that is left is not replaced either.
    folder.run("keygen release").refused(3, "E0310");
    assert!(!folder.path("release.key").exists());
    folder.write("release.key", key);
    folder.run("keygen no/such/folder").refused(3, "E0401");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        folder.run("keygen fresh").ok();
        let mode = std::fs::metadata(folder.path("fresh.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_port_that_is_not_there_and_a_device_that_is_silent() {
    let folder = folder();
    folder.run("update m.leaf --port no-such-port").refused(3, "E0315");
    folder.run("update m.safetensors --port no-such-port").refused(5, "E0301");
    // Somebody who hangs up.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || drop(listener.accept()));
    folder.run(&format!("update m.leaf --port tcp:127.0.0.1:{port}")).refused(7, "E0316");
    thread.join().unwrap();
}
