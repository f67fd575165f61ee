//! NVRTC: machine code for two architectures, with the registers, spills and shared memory it needs.

use widemargin::cuda::{Compiler, KERNELS, Source};

/// Registers of a thread at which four blocks of 128 threads still fit a multiprocessor of 65,536.
const MOST_REGISTERS: u32 = 128;

/// Of each kernel: registers and bytes spilled, from what ptxas prints.
fn usage(log: &str) -> Vec<(String, u32, u32)> {
    let mut out = Vec::new();
    let (mut name, mut spilled) = (String::new(), 0);
    for line in log.lines() {
        let number = |before: &str| -> Option<u32> {
            line.split_once(before)?.0.trim_end().rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        if let Some((_, rest)) = line.split_once("Compiling entry function '") {
            name = rest.split('\'').next().unwrap_or_default().into();
        } else if let Some(bytes) = number(" bytes spill stores") {
            spilled = bytes;
        } else if let Some(registers) = number(" registers") {
            out.push((std::mem::take(&mut name), registers, spilled));
        }
    }
    out
}

#[test]
fn every_source_becomes_machine_code_without_spills() {
    let compiler = match Compiler::find() {
        Ok(compiler) => compiler,
        Err(why) => return crate::skip(&why.to_string()),
    };
    println!("{:<24} {:>12} {:>12} {:>8}", "registers", "sm_80", "sm_90", "shared");
    let mut rows = vec![[None; 2]; KERNELS.len()];
    for source in Source::ALL {
        for (column, architecture) in ["sm_80", "sm_90"].iter().enumerate() {
            let compiled = compiler.compile(source, architecture).unwrap();
            assert!(compiled.cubin.starts_with(b"\x7fELF"));
            let used = usage(&compiled.log);
            for (at, kernel) in KERNELS.iter().enumerate().filter(|(_, kernel)| kernel.source == source) {
                let found = used.iter().find(|(name, ..)| name == kernel.name);
                let (_, registers, spilled) = found.unwrap_or_else(|| panic!("{}: {}", kernel.name, compiled.log));
                assert_eq!(*spilled, 0, "{} on {architecture}", kernel.name);
                assert!(*registers <= MOST_REGISTERS, "{} on {architecture}: {registers}", kernel.name);
                rows[at][column] = Some(*registers);
            }
        }
    }
    for (kernel, [a, b]) in KERNELS.iter().zip(&rows) {
        println!("{:<24} {:>12} {:>12} {:>8}", kernel.name, a.unwrap(), b.unwrap(), kernel.shared);
    }
}

#[test]
fn a_mistake_in_a_source_is_shown_with_its_line() {
    let compiler = match Compiler::find() {
        Ok(compiler) => compiler,
        Err(why) => return crate::skip(&why.to_string()),
    };
    let text = "extern \"C\" __global__ void f(float* x) {\n    x[0] = y;\n}\n";
    let source = Source { file: "mistake.cu", text, options: &[] };
    let message = compiler.compile(&source, "sm_90").unwrap_err().to_string();
    assert!(message.starts_with("NVRTC: mistake.cu for sm_90: ") && message.contains("mistake.cu(2)"), "{message}");
}
