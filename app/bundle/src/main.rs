//! Turns the app's compiled WASM into the folder that browsers load from: bindings, module, and each compressed twice.
//!
//! `bundle <app.wasm> <site folder>`. It links the library behind wasm-bindgen's command line at the version in the
//! lock file, so that the two can never differ.

use std::{
    error::Error,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [wasm, site] = arguments.as_slice() else {
        eprintln!("usage: bundle <app.wasm> <site folder>");
        return ExitCode::from(2);
    };
    match bundle(wasm, site) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bundle: {} could not be bundled: {error}", wasm.display());
            ExitCode::FAILURE
        }
    }
}

/// Names the module that a folder was made from.
const SOURCE: &str = "source";

/// Tells one build's module from another's; nothing rests on it but whether to do the work again.
fn fingerprint(bytes: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), bytes).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn bundle(wasm: &Path, site: &Path) -> Result<(), Box<dyn Error>> {
    let source = fingerprint(&fs::read(wasm)?);
    if fs::read_to_string(site.join(SOURCE)).is_ok_and(|found| found == source) {
        return Ok(());
    }
    // Made beside and moved into place, so that a running server never sees half of it.
    let fresh = site.with_extension("new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    fs::create_dir_all(&fresh)?;
    wasm_bindgen_cli_support::Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .out_name("frontend")
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&fresh)?;
    for name in ["frontend.js", "frontend_bg.wasm"] {
        let file = fresh.join(name);
        let bytes = fs::read(&file)?;
        let mut brotli = brotli::CompressorWriter::new(fs::File::create(fresh.join(format!("{name}.br")))?, 1 << 16, 9, 22);
        brotli.write_all(&bytes)?;
        brotli.flush()?;
        drop(brotli);
        let mut gzip = flate2::write::GzEncoder::new(fs::File::create(fresh.join(format!("{name}.gz")))?, flate2::Compression::best());
        gzip.write_all(&bytes)?;
        gzip.finish()?;
        let small = fs::metadata(fresh.join(format!("{name}.br")))?.len();
        println!("{name}: {} KB, {} KB with brotli", bytes.len() / 1024, small / 1024);
    }
    fs::write(fresh.join(SOURCE), source)?;
    if site.exists() {
        fs::remove_dir_all(site)?;
    }
    fs::rename(&fresh, site)?;
    Ok(())
}
