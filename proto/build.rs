//! Compiles the .proto files with protox: no protoc is needed.

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["socktop.proto", "processes.proto"];
    for file in files {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["."])?;
    // For the test that compares the limits on decoding with them.
    let folder = std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let file = std::path::Path::new(&folder).join("descriptors.bin");
    std::fs::write(file, descriptors.encode_to_vec())?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
