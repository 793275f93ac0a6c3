//! Compiles the .proto files with protox: no protoc is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["socktop.proto", "processes.proto"];
    for file in files {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["."])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
